"""Which commit settles which delivery: per group, the first commit at or after it, at its offset or beyond."""

from bisect import bisect_left, bisect_right, insort
from collections.abc import Iterable, Iterator
from operator import attrgetter

from transforms.block_facts import Commit, Held
from transforms.commit_sequence import is_surely_before

_Open = tuple[int, int, str, Held]
_nanos = attrgetter("nanos")
_order = attrgetter("order")


class Settlement:
    """The commits and the open deliveries of one group in one block.

    The result depends on the facts alone, never on the order in which they came.
    """

    def __init__(self, *, exact: bool) -> None:
        self.commits: list[Commit] = []
        self._open: list[_Open] = []
        self._exact = exact

    def deliver(self, offset: int, delivery: Held) -> Commit | None:
        """A new delivery: the commit that settles it, if one is known already."""
        for commit in self.commits[bisect_left(self.commits, delivery.nanos, key=_nanos) :]:
            if self._reaches(commit, offset):
                _settle(commit, offset, delivery)
                return commit
        insort(self._open, (offset, delivery.nanos, delivery.id, delivery))
        return None

    def commit(self, commit: Commit) -> Iterator[Commit]:
        """A new commit: it, and every other whose deliveries it takes."""
        place = bisect_right(self.commits, commit.order, key=_order)
        later = self.commits[place:]
        self.commits.insert(place, commit)
        yield commit
        self._take(commit)
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
                yield other

    def commit_after(self, offset: int, delivery: Held) -> Commit | None:
        """The first commit that covers this delivery, also in exact mode; None while there is none."""
        if not self._exact:
            return delivery.settled_by
        place = bisect_left(self.commits, delivery.nanos, key=_nanos)
        return next((commit for commit in self.commits[place:] if commit.offset >= offset), None)

    def may_follow(self, offset: int, delivery: Held, apart: int) -> bool:
        """Whether another client's commit covers this delivery if that client's clock is behind by less than `apart`.

        In ns. By the dates alone that commit came before the delivery.
        """
        start = bisect_right(self.commits, delivery.nanos - apart, key=_nanos)
        end = bisect_left(self.commits, delivery.nanos, key=_nanos)
        return any(
            commit.offset >= offset and not is_surely_before(commit, delivery, apart)
            for commit in self.commits[start:end]
        )

    def open_before(self, commit: Commit) -> Iterator[int]:
        """The offsets of the deliveries that are open still, up to this commit's."""
        reached = bisect_right(self._open, commit.offset, key=lambda waiting: waiting[0])
        return (offset for offset, *_ in self._open[:reached])

    def forget(self, deliveries: Iterable[Held], before: int) -> list[Commit]:
        """Deliveries past retention are no longer there, nor the commits up to `before` (ms) that settle no other.

        Returns these commits. As long as a delivery is there, so is its commit: another must not settle it again.
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
        gone = [commit for commit in self.commits if commit.timestamp <= before and not commit.settled]
        self.commits = [commit for commit in self.commits if commit.timestamp > before or commit.settled]
        return gone

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


def _settle(commit: Commit, offset: int, delivery: Held) -> None:
    commit.settled.setdefault(offset, []).append(delivery)
    delivery.settled_by = commit


def _remove(commit: Commit, offset: int, delivery: Held) -> None:
    deliveries = commit.settled[offset]
    deliveries.remove(delivery)
    delivery.settled_by = None
    if not deliveries:
        del commit.settled[offset]
