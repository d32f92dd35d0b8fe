from threading import Event
from types import SimpleNamespace

import pytest

from runners.flink.rest import FlinkRest
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
