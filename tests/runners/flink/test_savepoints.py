import os
from pathlib import Path

import pytest

from runners.flink.savepoints import prune, snapshots
from runners.state_folder import StateFolder


def make(path: Path, age: int) -> Path:
    path.mkdir(parents=True)
    metadata = path / "_metadata"
    metadata.touch()
    os.utime(metadata, (1_000_000 - age, 1_000_000 - age))
    return path


@pytest.fixture
def folder(tmp_path: Path) -> StateFolder:
    return StateFolder(tmp_path / "app")


def test_without_any_snapshot_there_is_nothing_to_resume_from(folder):
    assert snapshots(folder) == []


def test_savepoints_and_checkpoints_come_newest_first(folder):
    make(folder.checkpoints / "job1" / "chk-9", 30)
    savepoint = make(folder.savepoints / "1" / "savepoint-job1-x", 20)
    make(folder.checkpoints / "job2" / "chk-1", 25)
    newest, *older = snapshots(folder)
    assert (newest.path, newest.job, newest.is_savepoint) == (savepoint, "job1", True)
    assert [each.path.name for each in older] == ["chk-1", "chk-9"]


def test_a_checkpoint_that_was_being_written_does_not_count(folder):
    older = make(folder.checkpoints / "job" / "chk-8", 30)
    (folder.checkpoints / "job" / "chk-9").mkdir()
    assert [each.path for each in snapshots(folder)] == [older]


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
