"""FollowersView: who follows one partition, and how far each group came (a view of PlaceFacts).

In: which blocks have messages, where groups read, where they commit, and which producers are answered with offsets and
which without. Out: for each block what it may expect of each group: from which offset, produced until when, since when
the group is past the whole block, and since when it is known to commit; and of each producer that is answered without
offsets that it is, and whether with offsets too. Each of these only ever moves one way, so a block merges what it is
told by least and greatest.

A block is told once it is known, and again when something changed for it. A group that goes past a billion offsets
costs what lies between in known blocks. What is past retention is forgotten: blocks without facts, groups without
facts, and what a group left behind.
"""

from bisect import bisect_left, bisect_right, insort
from collections.abc import Iterable, Iterator
from typing import Any

import orjson

from transforms.addresses import JOIN, block_key
from transforms.findings import EVICTED, finding
from transforms.follower import Follower
from transforms.packs import Event
from transforms.view import BYTES_PER_FACT, EXPIRED, Outputs
from transforms.waits import Waits, deadline_after

#: Kinds of events: messages in a block; deliveries, and commits, of a group in a block: `(kind, group, block, lowest
#: offset, first, last, seen)`; and a group of a snapshot.
KNOWN = "M"
READ = "R"
COMMITTED = "K"
_FOLLOWER = "F"
#: A producer was answered in this partition: `("P", client, timestamp, with an offset)`.
ANSWERED = "P"

#: The kind of the event that a block is told: `("G", group, start, until, passed, commits)`.
FOLLOWED = "G"
#: The kind of what a block is told of a producer that is answered without offsets:
#: `("P", client, timestamp, with offsets too)`.
PRODUCED = "P"

#: A known block, or a step of a group from block to block, in memory.
_BYTES = 120


class FollowersView:
    """See the head of this file. `limit` bounds its facts."""

    def __init__(self, key: bytes, waits: Waits, limit: int, block_size: int, cluster: str = "") -> None:
        self._topic, self._partition = orjson.loads(key)
        self._waits = waits
        self._limit = limit
        self._block_size = block_size
        self._cluster = cluster
        #: Known blocks with the time of their newest fact, and their numbers in order.
        self._blocks: dict[int, int] = {}
        self._numbers: list[int] = []
        self._groups: dict[str, Follower] = {}
        #: Per client when (ms) it was answered last without an offset, and with one.
        self._bare: dict[str, int] = {}
        self._placing: dict[str, int] = {}
        self._now = -1
        self._trim_at: int | None = None
        #: Block and group to be told of each other, with the time of the fact that is the reason.
        self._touched: dict[tuple[int, str], int] = {}
        self._out = Outputs()

    def apply(self, events: Iterable[list[Any]]) -> Outputs:
        """Take in a batch of events; tell the blocks what changed for them."""
        self._out = outputs = Outputs()
        for event in events:
            kind = event[0]
            if kind == READ:
                _, group, block, low, first, last, seen = event
                self._know(block, last)
                self._follow(group, block, low, first, last, seen)
            elif kind == COMMITTED:
                _, group, block, low, first, last, seen = event
                self._follow(group, block, low + 1, first, last, seen, committed=True)
            elif kind == KNOWN:
                self._know(event[1], event[2])
            elif kind == ANSWERED:
                self._answered(*event[1:])
            elif kind == EXPIRED:
                self._tell()
                self._expire(event)
            else:
                self._groups[event[1]] = Follower.restore(event[2:])
        self._tell()
        if self.facts() > self._limit:
            self._evict()
        return outputs

    def deadline(self) -> int | None:
        """The next look for what is past retention."""
        return self._trim_at

    def facts(self) -> int:
        """Blocks, groups and their steps; five blocks take the memory of one fact."""
        return -(-self._small_facts() * _BYTES // BYTES_PER_FACT)

    def _small_facts(self) -> int:
        steps = sum(follower.facts() for follower in self._groups.values())
        return len(self._blocks) + steps + len(self._bare) + len(self._placing)

    # Taking in ------------------------------------------------------------------------------------------------------

    def _know(self, block: int, last: int) -> None:
        """There are messages in this block: a new one is told of all groups that are expected there."""
        known = self._blocks.get(block)
        if known is not None:
            if last > known:
                self._blocks[block] = last
            return
        self._blocks[block] = last
        insort(self._numbers, block)
        self._keep(last)
        for group, follower in self._groups.items():
            if follower.start // self._block_size <= block:
                self._touched[block, group] = last
        for client in self._bare:
            self._tell_producer(client, block, last)

    def _answered(self, client: str, timestamp: int, is_placing: bool) -> None:
        """A producer was answered with an offset, or without one."""
        answers = self._placing if is_placing else self._bare
        is_new = client not in answers
        answers[client] = max(timestamp, answers.get(client, timestamp))
        self._keep(timestamp)
        if is_new and client in self._bare:
            for block in self._numbers:
                self._tell_producer(client, block, timestamp)

    def _tell_producer(self, client: str, block: int, timestamp: int) -> None:
        key = block_key(self._topic, self._partition, block)
        self._out.events.append((JOIN, key, timestamp, (PRODUCED, client, timestamp, client in self._placing)))

    def _follow(
        self, group: str, block: int, position: int, first: int, last: int, seen: int, *, committed: bool = False
    ) -> None:
        """A group was at this position, in this block: from `first` to `last`, and by its own clock until `seen`."""
        follower = self._groups.get(group)
        if follower is None:
            follower = self._groups[group] = Follower(position, last)
            self._keep(last)
        before = follower.start
        if follower.began(position):
            self._touch(group, follower, block, (before - 1) // self._block_size, first)
        changed = follower.read(block, first, last, seen)
        if changed is not None:
            self._touch(group, follower, *changed, first)
        if committed and follower.committed(first):
            self._touch(group, follower, 0, None, first)

    def _touch(self, group: str, follower: Follower, low: int, high: int | None, timestamp: int) -> None:
        """Something changed for the known blocks of this range, as far as the group is expected there."""
        numbers = self._numbers
        start = bisect_left(numbers, max(low, follower.start // self._block_size))
        end = len(numbers) if high is None else bisect_right(numbers, high)
        for block in numbers[start:end]:
            self._touched[block, group] = timestamp

    def _keep(self, timestamp: int) -> None:
        if self._trim_at is None:
            self._trim_at = max(deadline_after(timestamp, self._waits.retention), self._now + 1)

    def _tell(self) -> None:
        """Tell each touched block what now holds for the group."""
        for (block, group), timestamp in self._touched.items():
            expected = self._groups[group].expects(block, self._block_size, self._waits.retention)
            key = block_key(self._topic, self._partition, block)
            self._out.events.append((JOIN, key, timestamp, (FOLLOWED, group, *expected)))
        self._touched = {}

    # Forgetting and keeping -----------------------------------------------------------------------------------------

    def _expire(self, event: list[Any]) -> None:
        self._now = max(self._now, event[1])
        if len(event) > 2:  # noqa: PLR2004  a snapshot's extra item
            self._trim_at = event[2]
        if self._trim_at is not None and self._trim_at <= self._now:
            self._forget(self._now - self._waits.retention)
            answers = (*self._bare.values(), *self._placing.values())
            oldest = min((*self._blocks.values(), *answers, *(f.oldest() for f in self._groups.values())), default=None)
            self._trim_at = None if oldest is None else self._waits.next_trim(self._now, oldest)

    def _forget(self, before: int) -> None:
        """Forget all facts up to this time."""
        self._blocks = {block: last for block, last in self._blocks.items() if last > before}
        self._numbers = sorted(self._blocks)
        self._groups = {group: follower for group, follower in self._groups.items() if follower.last > before}
        self._bare = {client: last for client, last in self._bare.items() if last > before}
        self._placing = {client: last for client, last in self._placing.items() if last > before}
        for follower in self._groups.values():
            follower.forget(before, self._block_size)

    def _evict(self) -> None:
        """Give up the oldest facts, as if retention were shorter."""
        held = self._small_facts()
        answers = (*self._bare.values(), *self._placing.values())
        times = sorted([*self._blocks.values(), *answers, *(t for f in self._groups.values() for t in f.times())])
        keep = self._limit * 9 // 10 * BYTES_PER_FACT // _BYTES
        self._forget(times[min(held - keep, len(times)) - 1])
        count = held - self._small_facts()
        self._out.counts["evicted"] += count
        self._out.findings.append(
            finding(
                EVICTED, f"followers:{self._topic}:{self._partition}:{self._now}", None, topic=self._topic,
                partition=self._partition, count=count, cluster=self._cluster or None,
            )
        )  # fmt: skip

    def snapshot(self) -> Iterator[Event]:
        """Events that build this view again. What it has told the blocks follows from them."""
        yield EXPIRED, self._now, self._trim_at
        for block, last in self._blocks.items():
            yield KNOWN, block, last
        for group, follower in self._groups.items():
            yield _FOLLOWER, group, *follower.snapshot()
        for is_placing, answers in ((False, self._bare), (True, self._placing)):
            for client, last in answers.items():
                yield ANSWERED, client, last, is_placing
