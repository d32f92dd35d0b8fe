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
from collections.abc import Callable, Iterator
from typing import Any

import orjson
from msgspec import Struct, msgpack

from transforms.findings.findings import EVICTED, finding
from transforms.locate.group_progress import GroupProgress
from transforms.state.addresses import JOIN, block_key
from transforms.state.facts import ProducerAnswered
from transforms.state.group_facts import BlockSeen, GroupCommitted, GroupRead, PartitionFact
from transforms.state.view import BYTES_PER_FACT, Outputs
from transforms.state.waits import Waits

#: A known block, or a step of a group from block to block, in memory.
_BYTES = 120


class _Snapshot(Struct, array_like=True, gc=False):
    """All that the view knows. What it has told the blocks follows from that."""

    now: int
    trim_at: int | None
    blocks: dict[int, int]
    groups: dict[str, GroupProgress]
    bare: dict[str, int]
    placing: dict[str, int]


_save = msgpack.Encoder().encode
_load = msgpack.Decoder(_Snapshot).decode


class FollowersView:
    """See the head of this file. `limit` bounds its facts."""

    decode = staticmethod(msgpack.Decoder(list[PartitionFact]).decode)

    def __init__(self, key: bytes, waits: Waits, limit: int, block_size: int, cluster: str = "") -> None:
        self._topic, self._partition = orjson.loads(key)
        self._waits = waits
        self._limit = limit
        self._block_size = block_size
        self._cluster = cluster
        #: Known blocks with the time of their newest fact, and their numbers in order.
        self._blocks: dict[int, int] = {}
        self._numbers: list[int] = []
        self._groups: dict[str, GroupProgress] = {}
        #: Per client when (ms) it was answered last without an offset, and with one.
        self._bare: dict[str, int] = {}
        self._placing: dict[str, int] = {}
        self._now = -1
        self._trim_at: int | None = None
        #: Block and group to be told of each other, with the time of the fact that is the reason.
        self._dirty: dict[tuple[int, str], int] = {}
        self._out = Outputs()
        self._take: dict[type, Callable[[Any], None]] = {
            BlockSeen: self._block_seen,
            GroupRead: self._read,
            GroupCommitted: self._committed,
            ProducerAnswered: self._answered,
        }

    def on_facts(self, facts: list[PartitionFact]) -> Outputs:
        """Take in facts; tell the blocks what changed for them."""
        self._out = outputs = Outputs()
        for fact in facts:
            self._take[type(fact)](fact)
        self._emit()
        if self.size() > self._limit:
            self._evict()
        return outputs

    def on_time(self, now: int) -> Outputs:
        """Forget what is past retention."""
        self._now = max(self._now, now)
        if self._trim_at is not None and self._trim_at <= self._now:
            self._forget(self._now - self._waits.retention)
            oldest = min((*self._last_times(), *(group.oldest() for group in self._groups.values())), default=None)
            self._trim_at = None if oldest is None else self._waits.next_trim(self._now, oldest)
        return Outputs()

    def deadline(self) -> int | None:
        """The next look for what is past retention."""
        return self._trim_at

    def size(self) -> int:
        """Blocks, groups and their steps; five blocks take the memory of one fact."""
        return -(-self._small_facts() * _BYTES // BYTES_PER_FACT)

    def _small_facts(self) -> int:
        steps = sum(progress.size() for progress in self._groups.values())
        return len(self._blocks) + steps + len(self._bare) + len(self._placing)

    # Taking in ------------------------------------------------------------------------------------------------------

    def _block_seen(self, seen: BlockSeen) -> None:
        self._know(seen.block, seen.last)

    def _read(self, read: GroupRead) -> None:
        self._know(read.block, read.last)
        self._follow(read, read.offset)

    def _committed(self, committed: GroupCommitted) -> None:
        progress = self._follow(committed, committed.offset + 1)
        if progress.committed(committed.first):
            self._mark_dirty(committed.group_id, progress, 0, None, committed.first)

    def _answered(self, answered: ProducerAnswered) -> None:
        client, timestamp = answered.client_id, answered.timestamp
        answers = self._placing if answered.places else self._bare
        is_new = client not in answers
        answers[client] = max(timestamp, answers.get(client, timestamp))
        self._keep(timestamp)
        if is_new and client in self._bare:
            for block in self._numbers:
                self._emit_producer(client, block, timestamp)

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
        for group, progress in self._groups.items():
            if progress.start // self._block_size <= block:
                self._dirty[block, group] = last
        for client in self._bare:
            self._emit_producer(client, block, last)

    def _follow(self, fact: GroupRead | GroupCommitted, position: int) -> GroupProgress:
        """The group of this fact was at this position."""
        progress = self._groups.get(fact.group_id)
        if progress is None:
            progress = self._groups[fact.group_id] = GroupProgress(position, fact.last)
            self._keep(fact.last)
        before = progress.start
        if progress.began(position):
            self._mark_dirty(fact.group_id, progress, fact.block, (before - 1) // self._block_size, fact.first)
        changed = progress.read(fact.block, fact.first, fact.last, fact.seen)
        if changed is not None:
            self._mark_dirty(fact.group_id, progress, *changed, fact.first)
        return progress

    def _mark_dirty(self, group: str, progress: GroupProgress, low: int, high: int | None, timestamp: int) -> None:
        """Something changed for the known blocks of this range, as far as the group is expected there."""
        numbers = self._numbers
        start = bisect_left(numbers, max(low, progress.start // self._block_size))
        end = len(numbers) if high is None else bisect_right(numbers, high)
        for block in numbers[start:end]:
            self._dirty[block, group] = timestamp

    def _keep(self, timestamp: int) -> None:
        if self._trim_at is None:
            self._trim_at = self._waits.first_trim(timestamp, self._now)

    def _emit(self) -> None:
        """Tell each dirty block what now holds for the group."""
        for (block, group), timestamp in self._dirty.items():
            expectation = self._groups[group].expectation(group, block, self._block_size, self._waits.retention)
            self._out.facts.append((JOIN, self._key(block), timestamp, expectation))
        self._dirty = {}

    def _emit_producer(self, client: str, block: int, timestamp: int) -> None:
        answered = ProducerAnswered(client, timestamp, client in self._placing)
        self._out.facts.append((JOIN, self._key(block), timestamp, answered))

    def _key(self, block: int) -> bytes:
        return block_key(self._topic, self._partition, block)

    # Forgetting and keeping -----------------------------------------------------------------------------------------

    def _forget(self, before: int) -> None:
        """Forget all facts up to this time."""
        self._blocks = {block: last for block, last in self._blocks.items() if last > before}
        self._numbers = sorted(self._blocks)
        self._groups = {group: progress for group, progress in self._groups.items() if progress.last > before}
        self._bare = {client: last for client, last in self._bare.items() if last > before}
        self._placing = {client: last for client, last in self._placing.items() if last > before}
        for progress in self._groups.values():
            progress.forget(before, self._block_size)

    def _last_times(self) -> Iterator[int]:
        """The times of blocks and of answers."""
        yield from self._blocks.values()
        yield from self._bare.values()
        yield from self._placing.values()

    def _evict(self) -> None:
        """Give up the oldest facts, as if retention were shorter."""
        held = self._small_facts()
        times = sorted([*self._last_times(), *(time for group in self._groups.values() for time in group.times())])
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

    def snapshot(self) -> bytes:
        """All of it."""
        return _save(_Snapshot(self._now, self._trim_at, self._blocks, self._groups, self._bare, self._placing))

    def restore(self, snapshot: bytes) -> None:
        """Be what a snapshot says."""
        saved = _load(snapshot)
        self._now, self._trim_at = saved.now, saved.trim_at
        self._blocks, self._groups, self._bare, self._placing = saved.blocks, saved.groups, saved.bare, saved.placing
        self._numbers = sorted(self._blocks)
