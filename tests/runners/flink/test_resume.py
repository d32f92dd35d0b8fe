from pathlib import Path

import pytest

from pipeline.config.load import Config, load_config
from pipeline.errors import UserError
from runners.flink.job_records import JobRecord, frozen_settings
from runners.flink.resume import candidates
from runners.state_folder import StateFolder


@pytest.fixture
def config(tmp_path: Path) -> Config:
    return load_config(None, {}, [f"state.dir={tmp_path}", "application.id=app"])


@pytest.fixture
def folder(config: Config) -> StateFolder:
    return StateFolder.of(config.settings)


def snapshot(folder: StateFolder, number: int) -> Path:
    path = folder.checkpoints / "job" / f"chk-{number}"
    path.mkdir(parents=True)
    (path / "_metadata").touch()
    return path


def test_without_a_snapshot_a_job_starts_without_state(config, folder):
    assert candidates(config, folder) == []


def test_all_snapshots_may_be_tried_the_newest_first(config, folder):
    older, newer = snapshot(folder, 5), snapshot(folder, 6)
    assert candidates(config, folder) == [newer, older]


def test_a_snapshot_that_the_user_names_is_the_only_one(config, folder, tmp_path):
    snapshot(folder, 5)
    elsewhere = snapshot(StateFolder(tmp_path / "elsewhere"), 3)
    assert candidates(config, folder, f"file://{elsewhere}") == [elsewhere]


def test_a_folder_that_is_no_snapshot_is_refused(config, folder, tmp_path):
    with pytest.raises(UserError, match=r"Cannot resume from .*: it has no file _metadata"):
        candidates(config, folder, str(tmp_path))


def test_a_snapshot_that_was_made_with_another_layout_is_refused(config, folder):
    snapshot(folder, 5)
    JobRecord("job", {**frozen_settings(config.settings), "readers": 8}).save(folder.jobs)
    with pytest.raises(UserError, match=r"readers=16 \(was 8\)"):
        candidates(config, folder)
