import os
import struct
from pathlib import Path

import pytest

from runners.savepoints import MAGIC, newest_valid, prune, snapshots, why_invalid
from runners.state_folder import StateFolder

PROPERTIES = b"sr\0.org.apache.flink.runtime.checkpoint.CheckpointProperties\0\0xpt\0\4NONE"
FILE = "163a32c6-d5d2-4a40-b9e5-e94abf1b31b6"


def utf(text: str) -> bytes:
    return struct.pack(">H", len(text)) + text.encode()


def relative(name: str, size: int) -> bytes:
    return b"\x06" + utf(name) + struct.pack(">q", size)


def absolute(path: Path, size: int) -> bytes:
    return b"\x02" + struct.pack(">q", size) + utf(f"file:{path}")


def make(path: Path, age: int, *handles: bytes) -> Path:
    path.mkdir(parents=True)
    metadata = path / "_metadata"
    metadata.write_bytes(MAGIC + b"".join(handles) + PROPERTIES)
    os.utime(metadata, (1_000_000 - age, 1_000_000 - age))
    return path


@pytest.fixture
def folder(tmp_path: Path) -> StateFolder:
    return StateFolder(tmp_path / "app")


def test_without_any_snapshot_there_is_nothing_to_resume_from(folder):
    assert newest_valid(folder, print) is None


def test_the_newest_of_savepoints_and_checkpoints_is_chosen(folder):
    make(folder.checkpoints / "job1" / "chk-9", 30)
    savepoint = make(folder.savepoints / "1" / "savepoint-job1-x", 20)
    make(folder.checkpoints / "job2" / "chk-1", 25)
    newest = newest_valid(folder, print)
    assert newest is not None
    assert (newest.path, newest.job, newest.is_savepoint) == (savepoint, "job1", True)


def test_a_checkpoint_that_was_being_written_does_not_count(folder):
    older = make(folder.checkpoints / "job" / "chk-8", 30)
    (folder.checkpoints / "job" / "chk-9").mkdir()
    newest = newest_valid(folder, print)
    assert newest is not None
    assert newest.path == older


@pytest.mark.parametrize("form", ["relative", "absolute"])
@pytest.mark.parametrize(("left", "fault"), [(None, "missing"), (7, "has 7 of 100 bytes"), (100, "")])
def test_every_file_that_the_metadata_names_must_be_there_in_full(tmp_path, form, left, fault):
    path = tmp_path / "chk-1"
    make(path, 0, relative(FILE, 100) if form == "relative" else absolute(path / FILE, 100), b"more bytes")
    if left is not None:
        (path / FILE).write_bytes(b"x" * left)
    assert why_invalid(path).endswith(fault)
    assert bool(why_invalid(path)) == bool(fault)


def test_a_damaged_snapshot_is_skipped_with_a_word(folder):
    older = make(folder.checkpoints / "job" / "chk-8", 30)
    broken = make(folder.checkpoints / "job" / "chk-9", 20, relative(FILE, 100))
    told: list[str] = []
    newest = newest_valid(folder, told.append)
    assert newest is not None
    assert newest.path == older
    assert told == [f"Skipped {broken}: {FILE} is missing."]


def test_a_file_of_no_bytes_need_not_be_there(tmp_path):
    make(tmp_path / "chk-9", 0, b"Unknown\x01\xc8\x01", relative(FILE, 0))
    assert not why_invalid(tmp_path / "chk-9")


@pytest.mark.parametrize("checkpoint", [6, 262])
def test_the_name_of_a_rocksdb_after_the_number_of_a_checkpoint_is_no_missing_file(tmp_path, checkpoint):
    key_groups = struct.pack(">ii", 0, 64)
    path = tmp_path / f"chk-{checkpoint}"
    make(path, 0, b"\x05" + struct.pack(">q", checkpoint) + utf(FILE) + key_groups)
    assert not why_invalid(path)


def test_metadata_that_is_not_flinks_is_no_metadata(tmp_path):
    path = make(tmp_path / "chk-1", 0)
    (path / "_metadata").write_bytes(b"")
    assert why_invalid(path) == "its metadata is not Flink's"


def test_metadata_that_breaks_off_is_not_whole(tmp_path):
    path = make(tmp_path / "chk-1", 0)
    whole = (path / "_metadata").read_bytes()
    assert why_invalid(path) == ""
    for length in range(len(MAGIC), len(whole) - 4):
        (path / "_metadata").write_bytes(whole[:length])
        assert why_invalid(path) == "its metadata breaks off"


def test_pruning_keeps_the_newest_two_and_whatever_the_running_job_has(folder):
    make(folder.checkpoints / "old" / "chk-1", 90)
    make(folder.savepoints / "1" / "savepoint-old-x", 80)
    make(folder.savepoints / "2" / "savepoint-mid-x", 50)
    make(folder.checkpoints / "now" / "chk-1", 10)
    folder.jobs.mkdir()
    for job in ("old", "mid", "now"):
        (folder.jobs / f"{job}.json").write_text("{}")
    prune(folder, "now")
    assert [snapshot.job for snapshot in snapshots(folder)] == ["now", "mid"]
    assert {file.stem for file in folder.jobs.iterdir()} == {"mid", "now"}
