"""What FollowersView knows of one group in one partition."""

from bisect import bisect_left, bisect_right

from msgspec import Struct, field

from transforms.state.facts import GroupExpectation

_HOUR = 3_600_000


class EarliestBeyond(Struct, array_like=True, gc=False):
    """The earliest time of a fact beyond each place, of facts that have a place and a time.

    Of the facts only those count that no later place beats: they are in order of place and of time.
    """

    places: list[int] = []
    times: list[int] = []

    def add(self, place: int, time: int) -> int | None:
        """One more fact; None if it changes nothing, else the lowest place whose answer changed.

        The answers from there to below `place` changed; -2**63 means: all places.
        """
        places, times = self.places, self.times
        end = bisect_left(places, place)
        if end < len(places):
            if times[end] <= time:
                return None
            if places[end] == place:
                end += 1
        start = bisect_left(times, time, 0, end)
        lowest = places[start - 1] if start else -(2**63)
        if start < end and times[start] == time:  # the same answer up to there
            lowest = places[start]
        places[start:end] = [place]
        times[start:end] = [time]
        return lowest

    def beyond(self, place: int) -> int | None:
        """The earliest time of a fact at a higher place."""
        index = bisect_right(self.places, place)
        return self.times[index] if index < len(self.times) else None


class GroupProgress(Struct, array_like=True, gc=False):
    """A group in a partition: where it began, how far it came and when.

    `start` is its lowest position known, `last` the time of its last fact, `commits` that of its first commit. `passed`
    says when it came beyond each block. `heard` says when it was last at or below each block, in hours rounded up: that
    is the earliest beyond it, with both signs turned. All times are Kafka timestamps in ms.
    """

    start: int
    last: int
    commits: int | None = None
    passed: EarliestBeyond = field(default_factory=EarliestBeyond)
    heard: EarliestBeyond = field(default_factory=EarliestBeyond)

    def read(self, block: int, first: int, last: int, seen: int) -> tuple[int, int] | None:
        """The group was in this block from `first` to `last`: the blocks (from, to, both included) that this concerns.

        None if nothing changed. `seen` is the last date (ms) there: a trace that lies twice in the topic has two
        timestamps, but one date.
        """
        low, high = block, block - 1
        passed = self.passed.add(block, first)
        if passed is not None:
            low = passed
        heard = self.heard.add(-block, seen // -_HOUR)
        if heard is not None:
            high = -heard - 1
        self.last = max(self.last, last)
        return (low, high) if low <= high else None

    def began(self, position: int) -> bool:
        """The group was at this position: whether that is below all others."""
        if position >= self.start:
            return False
        self.start = position
        return True

    def committed(self, first: int) -> bool:
        """The group committed at this time: whether that is before all others."""
        if self.commits is not None and self.commits <= first:
            return False
        self.commits = first
        return True

    def expectation(self, group_id: str, block: int, block_size: int, retention: int) -> GroupExpectation:
        """What a block at or above `start` may expect of the group, which has this name."""
        hours = self.heard.beyond(-block - 1)
        until = (0 if hours is None else -hours * _HOUR) + retention
        start = max(self.start, block * block_size)
        return GroupExpectation(group_id, start, until, self.passed.beyond(block), self.commits)

    def size(self) -> int:
        """How many facts it holds, itself among them."""
        return 1 + len(self.passed.places) + len(self.heard.places)

    def times(self) -> list[int]:
        """When it was heard of last, and when it came to the blocks that it holds."""
        return [self.last, *self.passed.times]

    def oldest(self) -> int:
        """The oldest of these times."""
        return min(self.last, self.passed.times[0]) if self.passed.times else self.last

    def forget(self, before: int, block_size: int) -> None:
        """What the group left behind up to this time is no longer expected of it: it begins where it was by then."""
        passed, heard = self.passed, self.heard
        gone = bisect_right(passed.times, before)
        if gone:
            block = passed.places[gone - 1]
            self.start = max(self.start, block * block_size)
            del passed.places[:gone], passed.times[:gone]
            kept = bisect_left(heard.places, -block) + 1
            del heard.places[kept:], heard.times[kept:]
