"""Which commit settles which delivery: per group, the first commit at or after it, at its offset or beyond."""

from bisect import bisect_left, bisect_right, insort
from collections import defaultdict
from collections.abc import Iterable, Sequence
from operator import attrgetter

import numpy as np

from transforms.input.dates import duration_ms
from transforms.join.block_facts import Commit, JoinedTrace
from transforms.join.trace_table import Rows
from transforms.locate.commit_sequence import is_surely_before
from transforms.state.facts import Int64s

_Open = tuple[int, int, str, JoinedTrace]
_nanos = attrgetter("nanos")
_order = attrgetter("order")


class Settlement:
    """The commits of one group in one block, in order, and its open deliveries of messages that are not plain.

    The result depends on the facts alone, never on the order in which they came.
    """

    def __init__(self, *, exact: bool) -> None:
        self.commits: list[Commit] = []
        self.next_slot = 0
        self._by_slot: dict[int, Commit] = {}
        self._open: list[_Open] = []
        self._exact = exact

    def in_slot(self, slot: int) -> Commit:
        """The commit with this number."""
        return self._by_slot[slot]

    def timestamps(self) -> Int64s:
        """The Kafka timestamp (ms) of each commit, by slot; 0 for slots without one."""
        return self._by_slots("timestamp")

    def dates(self) -> Int64s:
        """The date (ns) of each commit, by slot; 0 for slots without one."""
        return self._by_slots("nanos")

    def is_latest(self, order: tuple[int, int, str]) -> bool:
        """Whether a commit of this order comes after all others."""
        return not self.commits or self.commits[-1].order < order

    def settling(self, commits: Sequence[Commit], offsets: Int64s, nanos: Int64s) -> Rows:
        """For each delivery the index of the first of these commits, in order, that settles it; their number if none.

        The commits are in order.
        """
        none = len(commits)
        if not none or nanos.min() > commits[-1].nanos:
            return np.full(len(offsets), none)
        if self._exact:
            return _settling_exactly(commits, offsets, nanos)
        dates = np.array([commit.nanos for commit in commits], np.int64)
        ends = np.array([commit.offset for commit in commits], np.int64)
        if (ends[1:] >= ends[:-1]).all():
            return np.maximum(np.searchsorted(dates, nanos), np.searchsorted(ends, offsets))
        found = np.full(len(offsets), none)
        for index in range(none - 1, -1, -1):
            found[(nanos <= dates[index]) & (offsets <= ends[index])] = index
        return found

    def adopt(self, offset: int, delivery: JoinedTrace) -> None:
        """A delivery of a message that was plain until now."""
        commit = delivery.settled_by
        if commit is None:
            insort(self._open, (offset, delivery.nanos, delivery.id, delivery))
            return
        _settle(commit, offset, delivery)
        duration = duration_ms(delivery.nanos, commit.nanos)
        commit.written[commit.record_of(offset)] = 1, (offset, delivery.correlation_id, duration, False)

    def deliver(self, offset: int, delivery: JoinedTrace) -> Commit | None:
        """A new delivery: the commit that settles it, if one is known already."""
        for commit in self.commits[bisect_left(self.commits, delivery.nanos, key=_nanos) :]:
            if self._reaches(commit, offset):
                _settle(commit, offset, delivery)
                return commit
        insort(self._open, (offset, delivery.nanos, delivery.id, delivery))
        return None

    def commit(self, commit: Commit) -> list[Commit]:
        """Take in a new commit: it, and every other whose deliveries it takes."""
        self._by_slot[commit.slot] = commit
        self.next_slot = max(self.next_slot, commit.slot + 1)
        if self.is_latest(commit.order):
            self.commits.append(commit)
            if self._open:
                self._take(commit)
            return [commit]
        place = bisect_right(self.commits, commit.order, key=_order)
        later = self.commits[place:]
        self.commits.insert(place, commit)
        self._take(commit)
        changed = [commit]
        for other in later:
            taken = [
                (offset, delivery)
                for offset, deliveries in other.settled.items()
                if self._reaches(commit, offset)
                for delivery in deliveries
                if delivery.nanos <= commit.nanos
            ]
            for offset, delivery in taken:
                _remove(other, offset, delivery)
                _settle(commit, offset, delivery)
            if taken:
                changed.append(other)
        return changed

    def settle_open(self, offset: int) -> list[Commit]:
        """Settle again the open deliveries at this offset; the commits that settle them."""
        waiting = [one for one in self._open if one[0] == offset]
        self._open = [one for one in self._open if one[0] != offset]
        settling = [self.deliver(offset, delivery) for *_, delivery in waiting]
        return [commit for commit in settling if commit is not None]

    def commit_after(self, offset: int, delivery: JoinedTrace) -> Commit | None:
        """The first commit that covers this delivery, also in exact mode; None while there is none."""
        if not self._exact:
            return delivery.settled_by
        place = bisect_left(self.commits, delivery.nanos, key=_nanos)
        return next((commit for commit in self.commits[place:] if commit.offset >= offset), None)

    def may_follow(self, offset: int, delivery: JoinedTrace, apart: int) -> bool:
        """Whether another client's commit covers this delivery if that client's clock is behind by less than `apart`.

        In ns. By the dates alone that commit came before the delivery.
        """
        start = bisect_right(self.commits, delivery.nanos - apart, key=_nanos)
        end = bisect_left(self.commits, delivery.nanos, key=_nanos)
        return any(
            commit.offset >= offset and not is_surely_before(commit, delivery, apart)
            for commit in self.commits[start:end]
        )

    def open_before(self, commit: Commit) -> list[int]:
        """The offsets of the deliveries, of messages that are not plain, that are open still up to this commit's."""
        reached = bisect_right(self._open, commit.offset, key=lambda waiting: waiting[0])
        return [offset for offset, *_ in self._open[:reached]]

    def forget(self, deliveries: Iterable[JoinedTrace], before: int, settling: set[int]) -> list[Commit]:
        """Deliveries past retention are no longer there, nor the commits up to `before` (ms) that settle no other.

        `settling` are the slots of commits that settle plain messages. Returns the commits that are gone. As long as a
        delivery is there, so is its commit: another must not settle it again.
        """
        lost = {delivery.id for delivery in deliveries}
        self._open = [waiting for waiting in self._open if waiting[2] not in lost]
        for commit in self.commits if lost else ():
            for offset in list(commit.settled):
                for delivery in list(commit.settled[offset]):
                    if delivery.id in lost:
                        _remove(commit, offset, delivery)
                if offset not in commit.settled:
                    commit.freeze(offset)
        gone = [
            commit
            for commit in self.commits
            if commit.timestamp <= before and not commit.settled and commit.slot not in settling
        ]
        if gone:
            slots = {commit.slot for commit in gone}
            self.commits = [commit for commit in self.commits if commit.slot not in slots]
            for slot in slots:
                del self._by_slot[slot]
        return gone

    def _by_slots(self, name: str) -> Int64s:
        column = np.zeros(self.next_slot, np.int64)
        column[list(self._by_slot)] = [getattr(commit, name) for commit in self._by_slot.values()]
        return column

    def _take(self, commit: Commit) -> None:
        """Settle the open deliveries that the commit reaches."""
        reached = bisect_right(self._open, commit.offset, key=lambda waiting: waiting[0])
        start = bisect_left(self._open, commit.offset, key=lambda waiting: waiting[0]) if self._exact else 0
        stay: list[_Open] = []
        for waiting in self._open[start:reached]:
            offset, nanos, _, delivery = waiting
            if nanos <= commit.nanos:
                _settle(commit, offset, delivery)
            else:
                stay.append(waiting)
        self._open[start:reached] = stay

    def _reaches(self, commit: Commit, offset: int) -> bool:
        return commit.offset == offset or (commit.offset > offset and not self._exact)


def _settling_exactly(commits: Sequence[Commit], offsets: Int64s, nanos: Int64s) -> Rows:
    """The same where a commit settles its own offset only."""
    at: dict[int, list[int]] = defaultdict(list)
    for index, commit in enumerate(commits):
        at[commit.offset].append(index)
    deliveries = zip(offsets.tolist(), nanos.tolist(), strict=True)
    found = [
        next((index for index in at.get(offset, ()) if commits[index].nanos >= date), len(commits))
        for offset, date in deliveries
    ]
    return np.array(found, np.intp)


def _settle(commit: Commit, offset: int, delivery: JoinedTrace) -> None:
    commit.settled.setdefault(offset, []).append(delivery)
    delivery.settled_by = commit


def _remove(commit: Commit, offset: int, delivery: JoinedTrace) -> None:
    deliveries = commit.settled[offset]
    deliveries.remove(delivery)
    delivery.settled_by = None
    if not deliveries:
        del commit.settled[offset]
