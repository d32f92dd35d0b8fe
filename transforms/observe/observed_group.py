"""ObservedGroup: how far one group came in a partition, by its commits alone.

The commits of a group come in the order of its coordinator. The first one that is known only says where the group is:
who committed what lies below it, and when, nobody knows. From then on each commit settles the records from the highest
offset that was committed before up to its own, once the partition was read that far. A commit below the one before is a
rewind; what it commits again later settles nothing, since it was committed before.
"""

from typing import NamedTuple

from msgspec import Struct, field

from transforms.observe.position_log import PositionLog
from transforms.stats.latency_sketch import LatencySketch

MINUTE_MS = 60_000
#: A minute is closed by a commit that is dated so long after its end.
_SPARE_MS = MINUTE_MS
#: Commits beyond what was read that wait one by one; of more the oldest are taken for one with the next.
_MOST_WAITING = 10_000


class LagSample(Struct, array_like=True, gc=False, frozen=True):
    """How far a group was behind `at` (ms). `lag` are messages, `lag_ms` is the age of the oldest of them.

    `is_bound`: more was written and is not known, so that both may be more.
    """

    at: int
    lag: int
    offset_lag: int
    lag_ms: int
    since_commit_ms: int
    is_bound: bool


class GroupMinute(Struct, array_like=True, gc=False):
    """What a group did in a minute: commits dated in it, records settled by them, and the newest sample of its lag."""

    commits: int = 0
    rewinds: int = 0
    settled: int = 0
    latencies: LatencySketch = field(default_factory=LatencySketch)
    sample: LagSample | None = None


class Rewind(NamedTuple):
    """A commit below the one before it."""

    offset: int
    from_offset: int
    at: int
    sequence: int


class ObservedGroup(Struct, array_like=True, gc=False):
    """See the head of this file. Times are in ms; `committed` is None where no commit is known, or it was deleted.

    `heard_at` is when the newest commit was heard of: long after `committed_at` where a backlog is read.
    `settled_to` is the highest offset whose records were settled, `waiting` are commits beyond what was read. `members`
    is None where nobody told. `changed` are minutes to be written; minutes before `closed_to` are closed.
    """

    committed: int | None = None
    committed_at: int = 0
    heard_at: int = 0
    sequence: int = -1
    settled_to: int = 0
    waiting: list[tuple[int, int]] = []
    members: int | None = None
    generation: int = -1
    members_sequence: int = -1
    minutes: dict[int, GroupMinute] = {}
    changed: list[int] = []
    closed_to: int = 0

    def commit(self, offset: int | None, at: int, sequence: int) -> Rewind | None:
        """Take in a commit, unless one after it is known; a rewind if it is one."""
        if sequence <= self.sequence:
            return None
        former, self.committed, self.sequence = self.committed, offset, sequence
        if offset is None:
            self.waiting = []
            return None
        self.committed_at = at
        minute = self._minute(at)
        minute.commits += 1
        if former is None:
            self.settled_to = offset
            return None
        if offset < former:
            minute.rewinds += 1
            return Rewind(offset, former, at, sequence)
        if offset > (self.waiting[-1][0] if self.waiting else self.settled_to):
            self.waiting.append((offset, at))
            if len(self.waiting) > _MOST_WAITING:
                del self.waiting[0]
        return None

    def count_members(self, members: int, generation: int, sequence: int) -> None:
        """Take in how many members there are, unless that is old."""
        if sequence > self.members_sequence:
            self.members, self.generation, self.members_sequence = members, generation, sequence

    def settle(self, log: PositionLog, *, at_end: bool = False) -> None:
        """Settle what was committed and read; `at_end` nothing more is read."""
        while self.waiting and (at_end or self.waiting[0][0] <= log.end):
            offset, at = self.waiting.pop(0)
            minute = self._minute(at)
            latencies, counts = log.latencies(self.settled_to, offset, at)
            for latency, count in zip(latencies.tolist(), counts.tolist(), strict=True):
                minute.latencies.add(latency, count)
            minute.settled += int(counts.sum())
            self.settled_to = offset

    def sample(self, log: PositionLog, now: int) -> LagSample | None:
        """How far it is behind; None where no commit is known."""
        if self.committed is None or log.floor is None:
            return None
        unknown = max(log.floor - self.committed, 0)
        oldest = log.oldest_from(self.committed)
        return LagSample(
            now,
            log.count_from(self.committed) + unknown,
            max(log.end - self.committed, 0),
            0 if oldest is None else max(now - oldest, 0),
            max(now - self.committed_at, 0),
            is_bound=unknown > 0,
        )

    def note(self, sample: LagSample) -> None:
        """Put a sample into its minute."""
        self._minute(sample.at).sample = sample

    def closed(self, now: int, retention: int) -> list[int]:
        """The minutes to which no commit is added any more, which are to be forgotten; those before are closed too."""
        newest = self.committed_at
        first_waiting = self.waiting[0][1] if self.waiting else newest
        horizon = max(min(newest, first_waiting) - _SPARE_MS, now - retention)
        closed = [start for start in self.minutes if start + MINUTE_MS <= horizon]
        self.closed_to = max([self.closed_to, *(start + MINUTE_MS for start in closed)])
        return closed

    def idle(self, now: int) -> list[int]:
        """The minutes that have nothing but a sample of lag, and are over."""
        return [
            start
            for start, minute in self.minutes.items()
            if not minute.commits and not minute.settled and start + MINUTE_MS + _SPARE_MS <= now
        ]

    def _minute(self, at: int) -> GroupMinute:
        start = max(at - at % MINUTE_MS, self.closed_to)
        if start not in self.changed:
            self.changed.append(start)
        minute = self.minutes.get(start)
        if minute is None:
            minute = self.minutes[start] = GroupMinute()
        return minute
