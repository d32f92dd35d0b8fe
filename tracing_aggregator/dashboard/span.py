"""The span of time that a page shows."""

import time
from typing import NamedTuple

from tracing_aggregator.dashboard.store import Reader
from transforms.input.dates import NANOS_PER_MILLI

MINUTE_MS = 60_000
MINUTE_NS = MINUTE_MS * NANOS_PER_MILLI
#: No chart has more points than this.
_MAX_POINTS = 240


class TimeSpan(NamedTuple):
    """From minute `start` up to, not including, minute `end`, in steps of so many minutes; minutes since the epoch."""

    start: int
    end: int
    step: int

    @property
    def nanos(self) -> tuple[int, int]:
        """First instant, and the one after the last, in ns."""
        return self.start * MINUTE_NS, self.end * MINUTE_NS

    def before(self) -> "TimeSpan":
        """The span of the same length that ends where this one begins."""
        return TimeSpan(2 * self.start - self.end, self.start, self.step)

    def starts(self) -> range:
        """The minutes at which steps begin."""
        return range(self.start, self.end, self.step)

    def step_of(self, minute: int) -> int:
        """Which step a minute falls into, from 0."""
        return (minute - self.start) // self.step


def span(reader: Reader, minutes: int, until_ms: int | None, now_ms: int | None = None) -> TimeSpan:
    """The last so many minutes until then.

    Without `until_ms` they end now; where nothing is stored of that time, with the last minute of which anything is, so
    that a store of old traces is not empty to look at.
    """
    step = -(-minutes // _MAX_POINTS)
    if until_ms is not None:
        end = -(-until_ms // MINUTE_MS)
    else:
        now = (time.time_ns() // NANOS_PER_MILLI if now_ms is None else now_ms) // MINUTE_MS
        last = reader.value("SELECT max(minute) FROM counts WHERE minute <= ?", (now,))
        end = (now if last is None or now - last < minutes else last) + 1
    end = -(-end // step) * step
    return TimeSpan(end - -(-minutes // step) * step, end, step)
