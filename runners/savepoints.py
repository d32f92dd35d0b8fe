"""Snapshots of jobs on disk, savepoints and retained checkpoints alike: which to resume from, which to drop."""

import re
import shutil
import struct
from collections.abc import Callable, Container
from pathlib import Path
from typing import NamedTuple

from pipeline.errors import UserError
from runners.state_folder import StateFolder

METADATA = "_metadata"
MAGIC = b"\x49\x60\x67\x2d\0\0\0\4"
"""What the metadata of a snapshot of Flink 1.15 or newer starts with: its mark, and version 4."""
END = re.compile(rb"org\.apache\.flink\.runtime\.checkpoint\.CheckpointProperties.*t\0.[A-Z_]+\Z", re.DOTALL)
"""And how it ends: a Java object whose last field is the name of an enum constant."""
KEPT = 2
# How Flink's metadata names a file: the kind of handle, and the file's size before or after its name.
# Three leading zeros: no file has a terabyte, but other bytes may look like a handle.
ABSOLUTE = re.compile(rb"\x02(\0\0\0.{5})(.{2})(?=file:)", re.DOTALL)
RELATIVE = re.compile(rb"\x06\x00\x24([0-9a-f-]{36})(\0\0\0.{5})", re.DOTALL)


class Snapshot(NamedTuple):
    """One snapshot: its folder, the job that made it (a prefix of its id suffices), when it was complete (ns)."""

    path: Path
    job: str
    completed_ns: int

    @property
    def is_savepoint(self) -> bool:
        """Whether it was made on request, and not by the clock."""
        return not self.path.name.startswith("chk-")


def named(given: str) -> Snapshot:
    """The snapshot on this machine that a user names by a path or a `file:` URI; raises `UserError` if it is none."""
    path = Path(re.sub("^file:/*(?=/)", "", given)).expanduser().absolute()
    if fault := why_invalid(path):
        raise UserError(
            f"Cannot resume from {given}: {fault}.",
            f"Name the folder of a savepoint or a checkpoint, which has a file {METADATA}.",
        )
    return Snapshot(path, job_of(given), (path / METADATA).stat().st_mtime_ns)


def job_of(place: str) -> str:
    """The job that made a snapshot, or the beginning of its id, by the path or URI that Flink gave it; or nothing."""
    made = re.search(r"(?:savepoint-([0-9a-f]+)-[^/]*|([0-9a-f]{32})/chk-\d+)/*$", place)
    return made[1] or made[2] if made else ""


def snapshots(folder: StateFolder) -> list[Snapshot]:
    """All that seem complete (have their metadata), newest first."""
    found = [
        *(_snapshot(file, file.parts[-3]) for file in folder.checkpoints.glob(f"*/chk-*/{METADATA}")),
        *(
            _snapshot(file, file.parts[-2].split("-")[1])
            for file in folder.savepoints.glob(f"*/savepoint-*/{METADATA}")
        ),
    ]
    return sorted(found, key=lambda snapshot: snapshot.completed_ns, reverse=True)


def newest_valid(folder: StateFolder, tell: Callable[[str], None], skip: Container[Path] = ()) -> Snapshot | None:
    """The newest snapshot that can be resumed from; `tell` hears of each newer one that cannot. None: start afresh."""
    for snapshot in snapshots(folder):
        if snapshot.path in skip:
            continue
        if fault := why_invalid(snapshot.path):
            tell(f"Skipped {snapshot.path}: {fault}.")
        else:
            return snapshot
    return None


def why_invalid(path: Path) -> str:
    """What is wrong with a snapshot; empty when its metadata and every file that it names are there in full."""
    try:
        metadata = (path / METADATA).read_bytes()
    except OSError as error:
        return f"its metadata cannot be read ({error.strerror})"
    if not metadata.startswith(MAGIC):
        return "its metadata is not Flink's"
    if not END.search(metadata):
        return "its metadata breaks off"
    for name, size, sure in _files(metadata):
        file = path / name
        if not file.exists():
            if not size or not sure:  # Flink names files of no bytes that it never made
                continue
            return f"{name} is missing"
        if file.stat().st_size != size:
            return f"{name} has {file.stat().st_size} of {size} bytes"
    return ""


def prune(folder: StateFolder, job: str) -> None:
    """Drops snapshots that `job` no longer needs: all but the newest two and its own checkpoints, which Flink keeps."""
    kept = {snapshot.path for snapshot in snapshots(folder)[:KEPT]}
    for home in [*folder.checkpoints.glob("*"), *folder.savepoints.glob("*")]:
        if home.name != job and not any(path.is_relative_to(home) for path in kept):
            shutil.rmtree(home, ignore_errors=True)
    for record in folder.jobs.glob("*.json"):
        in_use = record.stem == job or any(record.stem.startswith(snapshot.job) for snapshot in snapshots(folder))
        if not in_use:
            record.unlink(missing_ok=True)


def _snapshot(metadata: Path, job: str) -> Snapshot:
    return Snapshot(metadata.parent, job, metadata.stat().st_mtime_ns)


def _files(metadata: bytes) -> list[tuple[str, int, bool]]:
    """Name, size, and whether it is surely a file.

    What looks like a relative file may be the name of a RocksDB: that follows the number of a checkpoint, a long, and
    those of the 6th, the 262nd, … end like the mark of a file. Taken for a missing file it would cost the state.
    """
    files = [
        (match[1].decode(), struct.unpack(">q", match[2])[0], not _ends_a_long(metadata, match.start()))
        for match in RELATIVE.finditer(metadata)
    ]
    for match in ABSOLUTE.finditer(metadata):
        (length,) = struct.unpack(">H", match[2])
        uri = metadata[match.end() : match.end() + length].decode(errors="replace")
        files.append((re.sub("^file:/+", "/", uri), struct.unpack(">q", match[1])[0], True))
    return files


def _ends_a_long(metadata: bytes, position: int) -> bool:
    """Can the byte there be the last of a small number in eight bytes?"""
    return metadata[max(0, position - 7) : position - 3] == bytes(4)
