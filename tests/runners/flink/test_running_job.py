from collections import Counter
from pathlib import Path
from threading import Event
from types import SimpleNamespace

import pytest

from pipeline.errors import UserError
from runners.flink.rest import FlinkError, FlinkRest, SavepointTimeoutError
from runners.flink.running_job import RunningJob
from runners.java.java_process import JavaProcessError


class Jvm:
    """A Flink that has ended with an exit code, or runs (None)."""

    def __init__(self, returncode: int | None) -> None:
        self.returncode = returncode

    def wait(self, _: float) -> int:
        if self.returncode is None:
            raise JavaProcessError("It still runs.", "")
        return self.returncode

    def tail(self) -> str:
        return "the end of its log"


def job(exit_code: int | None, error: str = "") -> RunningJob:
    submission = SimpleNamespace(ended=Event(), error=error)
    return RunningJob("ab", FlinkRest("localhost:1"), submission, SimpleNamespace(process=Jvm(exit_code)), print)


def test_a_flink_that_ran_out_of_memory_says_which_settings_help():
    said = job(3).failure()
    assert said.startswith("Flink's JVM ended with exit code 3: out of memory. Raise flink.memory.mb")
    assert said.endswith("the end of its log")


@pytest.mark.parametrize("exit_code", [-9, 1])
def test_any_other_end_of_flink_is_told_with_its_exit_code(exit_code):
    assert job(exit_code).failure() == f"Flink's JVM ended with exit code {exit_code}.\nthe end of its log"


def test_while_flink_runs_the_jobs_own_error_counts():
    assert job(None, "a step failed").failure() == "a step failed"
    assert job(None).failure() == "Flink gave no reason."


class History:
    """A Flink that runs the job, as always when one looks too late, and remembers its last failure."""

    failure = (0, "")

    def last_failure(self, _: str) -> tuple[int, str]:
        return self.failure

    def state(self, _: str) -> str:
        return "RUNNING"


def test_a_restart_is_told_once_even_when_it_was_over_before_anyone_looked():
    told: list[str] = []
    flink = History()
    seen = RunningJob("ab", flink, SimpleNamespace(), SimpleNamespace(), told.append)
    seen.look()
    assert told == []
    flink.failure = (1_000, "the worker is gone")
    seen.look()
    seen.look()
    flink.failure = (9_000, "the worker is gone")
    seen.look()
    assert told == ["Flink restarts the job from its last checkpoint: the worker is gone"] * 2


class Slow:
    """A Flink whose job does not get on: it never processes, and its savepoint is late."""

    def __init__(self, error: FlinkError | None = None, completes: Path | None = None) -> None:
        self.cancelled: list[str] = []
        self._error = error
        self._completes = completes

    def is_processing(self, _: str) -> bool:
        return False

    def last_failure(self, _: str) -> tuple[int, str]:
        return 0, ""

    def tasks(self, _: str) -> Counter[str]:
        return Counter(INITIALIZING=4)

    def savepoint_and_cancel(self, *_: object) -> str:
        if self._completes:
            self._completes.mkdir(parents=True)
            (self._completes / "_metadata").touch()
        if self._error:
            raise self._error
        return ""

    def cancel(self, job: str) -> None:
        self.cancelled.append(job)


def slow(flink: Slow, told: list[str]) -> RunningJob:
    ended = Event()
    ended.wait = lambda _: True  # type: ignore[method-assign]
    process = SimpleNamespace(returncode=None, log="flink.log")
    return RunningJob("ab", flink, SimpleNamespace(ended=ended), SimpleNamespace(process=process), told.append)


def test_a_start_that_takes_longer_than_it_may_ends_the_job_and_says_what_it_was_at_and_how_to_wait_longer():
    flink = Slow()
    with pytest.raises(UserError, match=r"after 0\.1 s: of 4, 4 read their state.*\n.*flink\.start\.timeout\.ms"):
        slow(flink, []).wait_until_processing(Event(), 0.1)
    assert flink.cancelled == ["ab"]


def test_a_savepoint_that_is_late_is_told_as_that_and_the_job_ends_without_it(tmp_path):
    flink, told = Slow(SavepointTimeoutError("ab", 5, "/x")), []
    assert slow(flink, told).end_with_savepoint(tmp_path, 5) is None
    assert flink.cancelled == ["ab"]
    [line] = told
    assert line.startswith("The savepoint of job ab was not complete after 5 s. The job is ended without it.")
    assert "flink.savepoint.timeout.ms" in line


def test_a_savepoint_counts_that_was_complete_when_its_answer_got_lost(tmp_path):
    flink, told = Slow(FlinkError("gone"), tmp_path / "savepoint-ab"), []
    assert slow(flink, told).end_with_savepoint(tmp_path, 5) == tmp_path / "savepoint-ab"
    assert (flink.cancelled, told) == ([], [])
