from pathlib import Path

import pytest

from pipeline.config.load import Config, load_config
from pipeline.errors import UserError
from runners.flink import cluster
from runners.flink.rest import FlinkError, FlinkRest, SavepointTimeoutError
from runners.state_folder import StateFolder


class Flink:
    """A cluster that runs the job, and whose savepoints end so."""

    address, url = "flink:8081", "http://flink:8081"

    def __init__(self, ends: str | FlinkError) -> None:
        self._ends = ends
        self.limits: list[float] = []

    def jobs(self) -> list[tuple[str, str, str]]:
        return [("ab", "app", "RUNNING")]

    def savepoint_and_cancel(self, _job: str, _target: str | None, within_s: float) -> str:
        self.limits.append(within_s)
        if isinstance(self._ends, str):
            return self._ends
        raise self._ends


@pytest.fixture
def config(tmp_path: Path) -> Config:
    own = ["application.id=app", "flink.master=flink:8081", f"state.dir={tmp_path}"]
    return load_config(None, {}, [*own, "flink.savepoint.timeout.ms=7000"])


def stopped(config: Config, flink: Flink, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setattr(FlinkRest, "of", lambda _: flink)
    return cluster.stop(config)


def test_a_savepoint_has_the_time_of_the_setting_and_is_remembered(config, monkeypatch):
    flink = Flink("s3://b/savepoint-ab")
    assert stopped(config, flink, monkeypatch) == "s3://b/savepoint-ab"
    assert flink.limits == [7.0]
    assert StateFolder.of(config.settings).last_savepoint() == "s3://b/savepoint-ab"


def test_a_savepoint_that_is_late_may_still_end_the_job_and_that_is_said(config, monkeypatch):
    late = SavepointTimeoutError("ab", 7, "/jobs/ab/savepoints/r")
    with pytest.raises(UserError, match=r"cancels the job once it is complete.*\n.*8081/jobs/ab/savepoints/r") as told:
        stopped(config, Flink(late), monkeypatch)
    assert "The job goes on. Try again" not in str(told.value)


def test_a_savepoint_that_failed_leaves_the_job_running_and_that_is_said(config, monkeypatch):
    with pytest.raises(UserError, match=r"disk full\n.*The job goes on\. Try again"):
        stopped(config, Flink(FlinkError("disk full")), monkeypatch)
