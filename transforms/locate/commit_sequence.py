"""CommitSequence: the commits of one group in one partition, and which of them surely came before which.

The commits of one client are in order of their dates. Two members of a group have two clocks, and traces do not tell
how far these are apart: members only read, so nothing bounds a clock of theirs from below. So of two clients one came
before the other only if their dates are `apart` or more; which is when the order of dates is trusted at all, since
commits wait as long for each other (`commit.reorder.ms`).
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator
from typing import Protocol

from transforms.input.records import UNKNOWN
from transforms.locate.commit_facts import OrderedCommit


class Dated(Protocol):
    """A commit or a delivery: by which client, and when (ns) by its clock."""

    client_id: str
    nanos: int


def is_surely_before(first: Dated, last: Dated, apart: int) -> bool:
    """Whether one fact came before another that is dated after it; two clocks differ by less than `apart` (ns)."""
    return last.nanos - first.nanos >= apart or first.client_id == last.client_id


class CommitSequence:
    """See the head of this file. `apart` in ns."""

    def __init__(self, apart: int) -> None:
        self._apart = apart
        #: All commits by date.
        self.commits: list[OrderedCommit] = []
        self._of_client: dict[str, list[OrderedCommit]] = {}
        #: No commit that was ever here has a higher offset.
        self._highest = UNKNOWN

    def insert(self, commit: OrderedCommit) -> int:
        """Put a commit in its place by date; the place."""
        self._highest = max(self._highest, commit.offset)
        _insert(self._of_client.setdefault(commit.client_id, []), commit)
        return _insert(self.commits, commit)

    def went_back_from(self, commit: OrderedCommit) -> int | None:
        """The highest offset above the commit's of those that were surely the last before it; None: it is above all.

        One after which another had gone back already, perhaps before this commit, does not count: that one is told.
        """
        if commit.offset >= self._highest:
            return None
        known = [before for commits in self._of_client.values() if (before := self._last_before(commit, commits))]
        last = (one for one in known if one.offset > commit.offset)
        last = (one for one in last if not any(self._is_followed(one, other) for other in known))
        return max((one.offset for one in last if not self._is_explained(one, commit)), default=None)

    def judged_by(self, commit: OrderedCommit) -> Iterator[OrderedCommit]:
        """The commits about which this one decides whether they go back, itself aside.

        The next of each client that surely came after it, and those of others between.
        """
        for client, commits in self._of_client.items():
            start = end = bisect_right(commits, commit.order, key=_order)
            if client != commit.client_id:
                end = max(start, bisect_left(commits, commit.nanos + self._apart, key=_nanos))
            yield from commits[start : end + 1]

    def forget(self, gone: Iterable[OrderedCommit]) -> None:
        """Give up these commits."""
        ids = {commit.id for commit in gone}
        self.commits = [commit for commit in self.commits if commit.id not in ids]
        kept = ((client, [one for one in all_ if one.id not in ids]) for client, all_ in self._of_client.items())
        self._of_client = {client: commits for client, commits in kept if commits}

    def _last_before(self, commit: OrderedCommit, commits: list[OrderedCommit]) -> OrderedCommit | None:
        """The last of these commits of one client that surely came before the commit."""
        end = bisect_left(commits, commit.order, key=_order)
        if commits[0].client_id != commit.client_id:
            end = min(end, bisect_right(commits, commit.nanos - self._apart, key=_nanos))
        return commits[end - 1] if end else None

    def _is_explained(self, one: OrderedCommit, commit: OrderedCommit) -> bool:
        """Whether a commit between these by date, after the first and perhaps before the last, had gone as far back."""
        between = (
            other
            for client, commits in self._of_client.items()
            if client != commit.client_id
            for other in commits[
                bisect_right(commits, commit.nanos - self._apart, key=_nanos) : bisect_left(
                    commits, commit.order, key=_order
                )
            ]
        )
        return any(other.offset <= commit.offset and self._is_followed(one, other) for other in between)

    def _is_followed(self, one: OrderedCommit, other: OrderedCommit) -> bool:
        return one.order < other.order and is_surely_before(one, other, self._apart)


def _insert(commits: list[OrderedCommit], commit: OrderedCommit) -> int:
    """Put a commit in its place, which nearly always is the end; the place."""
    place = len(commits)
    if commits and commits[-1].nanos >= commit.nanos and commits[-1].order > commit.order:
        place = bisect_left(commits, commit.order, key=_order)
    commits.insert(place, commit)
    return place


def _nanos(commit: OrderedCommit) -> int:
    return commit.nanos


def _order(commit: OrderedCommit) -> tuple[int, int, str]:
    return commit.order
