"""Health: is the job alive, and is it ready, from the newest look at it."""

import time
from collections.abc import Callable
from typing import NamedTuple

from tracing_aggregator.metrics.job import Job

#: As long as a job may take to start, or to start over.
PATIENCE_S = 180
#: A look that is older says nothing: whoever looks hangs.
STALE_S = 60
#: A checkpoint may be late by this many intervals, and by this much at least.
INTERVALS, SHORTEST_S = 6, 60


class Answer(NamedTuple):
    """Yes or no, and why in a few words."""

    ok: bool
    why: str


class Health:
    """See the head of this file. `clock` gives s since the epoch."""

    def __init__(self, checkpoint_interval_ms: int, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._limit_s = max(SHORTEST_S, INTERVALS * checkpoint_interval_ms / 1000)
        self._looked_at = self._seen_at = clock()
        self.job: Job | None = None

    def note(self, job: Job | None) -> None:
        """This is what the newest look has shown."""
        self.job, self._looked_at = job, self._clock()
        if job is not None:
            self._seen_at = self._looked_at

    def alive(self) -> Answer:
        """Whether there is a job, or may be one soon."""
        now = self._clock()
        if now - self._looked_at > STALE_S + PATIENCE_S:
            return Answer(ok=False, why=f"nobody has looked at the job for {now - self._looked_at:.0f} s")
        if self.job is not None:
            return Answer(ok=True, why=f"the job is {self.job.state}")
        if now - self._seen_at > PATIENCE_S:
            return Answer(ok=False, why=f"no job was seen for {now - self._seen_at:.0f} s")
        return Answer(ok=True, why="no job yet")

    def ready(self) -> Answer:
        """Whether all tasks of the job run, and its checkpoints succeed."""
        now, job = self._clock(), self.job
        if job is None:
            return Answer(ok=False, why="there is no job")
        if now - self._looked_at > STALE_S:
            return Answer(ok=False, why=f"nobody has looked at the job for {now - self._looked_at:.0f} s")
        if not job.is_processing:
            cause = f": {job.failure}" if job.failure else ""
            return Answer(ok=False, why=f"the job is {job.state}, and not all of its tasks run{cause}")
        safe_at = max(job.started, job.checkpoint.at if job.checkpoint else 0) / 1000
        if now - safe_at > self._limit_s:
            return Answer(ok=False, why=f"no checkpoint for {now - safe_at:.0f} s, more than {self._limit_s:.0f} s")
        return Answer(ok=True, why="every task of the job runs")
