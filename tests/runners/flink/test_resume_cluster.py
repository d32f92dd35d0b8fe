import os
from pathlib import Path

import pytest

from pipeline.config.settings import Settings
from runners.flink import resume
from runners.flink.job_records import JobRecord, frozen_settings
from runners.flink.resume import choose
from runners.state_folder import StateFolder

FIRST, SECOND = "aa" * 16, "bb" * 16
SAVEPOINT = "s3://b/savepoint-aaaaaa-0123456789ab"


class Rest:
    """Flink, as far as it remembers checkpoints."""

    def __init__(self, **known: str) -> None:
        self.known = known

    def newest_checkpoint_path(self, job: str) -> str:
        return self.known.get(job[:2], "")


@pytest.fixture
def folder(tmp_path: Path) -> StateFolder:
    return StateFolder(tmp_path / "state")


def ran(folder: StateFolder, *jobs: str) -> None:
    for number, job in enumerate(jobs):
        JobRecord(job, frozen_settings(Settings())).save(folder.jobs)
        os.utime(folder.jobs / f"{job}.json", (number, number))


def chosen(folder: StateFolder, given: str = "", checkpoints: str = "", told=lambda line: None, **known: str) -> str:
    return choose(folder, Rest(**known), given, checkpoints, told)


def test_the_first_job_starts_without_state(folder):
    assert not chosen(folder)


def test_a_job_that_was_stopped_goes_on_from_its_savepoint(folder):
    ran(folder, SECOND, FIRST)
    folder.remember_savepoint(SAVEPOINT)
    assert chosen(folder, bb="s3://b/older/chk-9") == SAVEPOINT


def test_a_job_that_ran_after_the_savepoint_and_crashed_goes_on_from_its_checkpoint(folder):
    ran(folder, FIRST, SECOND)
    folder.remember_savepoint(SAVEPOINT)
    assert chosen(folder, bb="s3://b/chk-9") == "s3://b/chk-9"


def test_a_checkpoint_is_found_in_a_folder_when_no_flink_knows_the_job(folder, tmp_path):
    ran(folder, FIRST)
    for number in (9, 10):
        made = tmp_path / "checkpoints" / FIRST / f"chk-{number}"
        made.mkdir(parents=True)
        (made / "_metadata").touch()
    found = chosen(folder, checkpoints=f"file://{tmp_path}/checkpoints")
    assert found == f"file://{tmp_path}/checkpoints/{FIRST}/chk-10"


def test_a_checkpoint_that_was_removed_is_not_chosen_though_flink_names_it(folder, tmp_path):
    ran(folder, FIRST)
    assert chosen(folder, aa=f"file:{tmp_path}/gone/chk-3") == ""


def test_an_older_savepoint_is_taken_with_a_warning_when_the_last_job_left_nothing(folder):
    ran(folder, FIRST, SECOND)
    folder.remember_savepoint(SAVEPOINT)
    told: list[str] = []
    assert chosen(folder, told=told.append) == SAVEPOINT
    assert SECOND in told[0]
    assert "--from-savepoint" in told[0]


def test_what_the_user_names_wins(folder):
    ran(folder, FIRST)
    folder.remember_savepoint(SAVEPOINT)
    assert chosen(folder, given="s3://b/mine") == "s3://b/mine"


def test_a_checkpoint_is_found_in_an_object_store_when_no_flink_knows_the_job(folder, monkeypatch):
    ran(folder, FIRST)
    monkeypatch.setattr(resume, "newest_in_s3", lambda place, job: f"{place}/{job}/chk-7")
    assert chosen(folder, checkpoints="s3://b/checkpoints") == f"s3://b/checkpoints/{FIRST}/chk-7"
    assert chosen(folder, checkpoints="s3://b/checkpoints", aa="s3://b/known/chk-8") == "s3://b/known/chk-8"
