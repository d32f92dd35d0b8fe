from typing import Any

from tracing_aggregator.metrics.health import PATIENCE_S, Health
from tracing_aggregator.metrics.job import Checkpoint, Job

START_S = 1_767_225_600


class Clock:
    """A clock that is set by hand, in s."""

    def __init__(self) -> None:
        self.now: float = START_S

    def __call__(self) -> float:
        return self.now


def any_job(**fields: Any) -> Job:
    valid = Job(
        "RUNNING", is_processing=True, started=START_S * 1000, checkpoint=None, failed_checkpoints=0, counters={}
    )
    return valid._replace(**fields)


def healthy() -> tuple[Health, Clock]:
    clock = Clock()
    return Health(10_000, clock), clock


def test_before_a_job_was_seen_it_is_alive_for_as_long_as_a_start_takes_and_not_ready():
    health, clock = healthy()
    clock.now += PATIENCE_S
    health.note(None)
    assert health.alive().ok
    assert not health.ready().ok
    clock.now += 1
    health.note(None)
    assert health.alive() == (False, "no job was seen for 181 s")


def test_a_job_that_runs_is_ready():
    health, _ = healthy()
    health.note(any_job())
    assert (health.alive().ok, health.ready().ok) == (True, True)


def test_a_job_that_restarts_is_alive_and_not_ready():
    health, _ = healthy()
    health.note(any_job(state="RESTARTING", is_processing=False))
    assert health.alive() == (True, "the job is RESTARTING")
    assert not health.ready().ok


def test_without_a_checkpoint_for_long_it_is_not_ready():
    health, clock = healthy()
    clock.now += 61
    health.note(any_job())
    assert health.ready() == (False, "no checkpoint for 61 s, more than 60 s")
    health.note(any_job(checkpoint=Checkpoint((START_S + 1) * 1000, 100, 5)))
    assert health.ready().ok


def test_a_long_checkpoint_interval_makes_it_patient():
    clock = Clock()
    health = Health(60_000, clock)
    clock.now += 359
    health.note(any_job())
    assert health.ready().ok


def test_when_nobody_looks_any_more_it_is_neither_ready_nor_in_the_end_alive():
    health, clock = healthy()
    health.note(any_job())
    clock.now += 61
    assert (health.alive().ok, health.ready().ok) == (True, False)
    clock.now += PATIENCE_S
    assert not health.alive().ok


def test_it_tells_the_first_cause_of_what_keeps_it_from_being_ready():
    health, _ = healthy()
    health.note(any_job(state="RESTARTING", is_processing=False, failure="TopicAuthorizationException: [_tracing]"))
    assert health.ready().why == (
        "the job is RESTARTING, and not all of its tasks run: TopicAuthorizationException: [_tracing]"
    )
