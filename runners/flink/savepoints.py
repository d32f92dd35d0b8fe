"""Snapshots of jobs on disk, savepoints and retained checkpoints alike: which to resume from, which to drop."""

import re
import shutil
from pathlib import Path
from typing import NamedTuple

from pipeline.errors import UserError
from runners.state_folder import StateFolder

METADATA = "_metadata"
KEPT = 2


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
    if not (path / METADATA).is_file():
        raise UserError(
            f"Cannot resume from {given}: it has no file {METADATA}.",
            "Name the folder of a savepoint or a checkpoint.",
        )
    return Snapshot(path, job_of(given), (path / METADATA).stat().st_mtime_ns)


def job_of(place: str) -> str:
    """The job that made a snapshot, or the beginning of its id, by the path or URI that Flink gave it; or nothing."""
    made = re.search(r"(?:savepoint-([0-9a-f]+)-[^/]*|([0-9a-f]{32})/chk-\d+)/*$", place)
    return made[1] or made[2] if made else ""


def snapshots(folder: StateFolder) -> list[Snapshot]:
    """All that seem complete (have their metadata), newest first. Whether one is whole, Flink finds out."""
    found = [
        *(_snapshot(file, file.parts[-3]) for file in folder.checkpoints.glob(f"*/chk-*/{METADATA}")),
        *(
            _snapshot(file, file.parts[-2].split("-")[1])
            for file in folder.savepoints.glob(f"*/savepoint-*/{METADATA}")
        ),
    ]
    return sorted(found, key=lambda snapshot: snapshot.completed_ns, reverse=True)


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
