"""Tallies: what one block adds to the statistics of one window, a minute of produce time.

A tally says all that the block knows of the window, so that it replaces what the block said before. Latencies are in ms
and taken from first deliveries: ack = ACK - produced, consume = CONSUME - produced, commit = first COMMIT at or beyond
it - CONSUME.
"""

import numpy as np

from transforms.findings.sla import Sla
from transforms.input.dates import NANOS_PER_MILLI, duration_ms
from transforms.join.block import Block
from transforms.join.block_facts import Message
from transforms.join.trace_table import UNSETTLED, Rows, durations_ms
from transforms.stats.stats_facts import GroupTally, TopicTally


class TopicCounter:
    """Counts the messages of one window, whoever reads them."""

    def __init__(self) -> None:
        self._offsets: list[int] = []
        self._tally = TopicTally()

    def add_rows(self, block: Block, rows: Rows) -> None:
        """Count plain messages that have a SEND."""
        if not rows.size:
            return
        tally, count = self._tally, len(rows)
        acked = rows[block.acks.nanos[rows] != 0]
        self._offsets += [block.base + int(rows[0]), block.base + int(rows[-1])]
        tally.produced += count
        tally.sent += count
        tally.traced += count
        tally.acked += len(acked)
        tally.ack.add_all(durations_ms(block.sends.nanos[acked], block.acks.nanos[acked]))

    def add(self, offset: int, message: Message) -> None:
        """Count a message."""
        tally, sent = self._tally, message.sent()
        produced = message.produced(sent)
        self._offsets.append(offset)
        tally.produced += 1
        tally.sent += sent is not None
        tally.acked += bool(message.acks)
        tally.unknown_produce_time += produced is None
        tally.traced += sent is not None or bool(message.acks)
        if produced is not None and message.acks:
            tally.ack.add(duration_ms(produced, message.acks[0].nanos))

    def tally(self) -> TopicTally | None:
        """The tally; None if it is empty."""
        if not self._offsets:
            return None
        self._tally.span = min(self._offsets), max(self._offsets)
        return self._tally


class GroupCounter:
    """Counts what one group made of the messages of one window."""

    def __init__(self, block: Block, group: str, sla: Sla, now: int, buffer: int) -> None:
        self._block = block
        self._group = group
        self._limit = sla.limit(block.topic, group)
        self._before = now - buffer
        self._tally = GroupTally()

    def add_rows(self, rows: Rows) -> None:
        """Count plain messages that have a SEND, and concern the group."""
        block, tally, reads = self._block, self._tally, self._block.reads.get(self._group)
        missing = rows
        if reads is not None:
            is_read = reads.nanos[rows] != 0
            read, missing = rows[is_read], rows[~is_read]
            latencies = durations_ms(block.sends.nanos[read], reads.nanos[read])
            tally.expected += len(read)
            tally.actual += len(read)
            tally.sla_breaches += 0 if self._limit is None else int(np.count_nonzero(latencies > self._limit))
            tally.consume.add_all(latencies)
            committed = read[reads.settled[read] != UNSETTLED]
            tally.committed += len(committed)
            if committed.size:
                dates = block.settlements[self._group].dates()[reads.settled[committed]]
                tally.commit.add_all(durations_ms(reads.nanos[committed], dates))
        expectation = block.expectations.get(self._group)
        if expectation is not None and missing.size:
            since = block.sends.nanos[missing] // NANOS_PER_MILLI
            since = since[(missing + block.base >= expectation.start) & (since <= expectation.until)]
            tally.expected += len(since)
            tally.under += int(np.count_nonzero(since <= self._before))

    def add(self, offset: int, message: Message) -> None:
        """Count a message, if it concerns the group."""
        tally = self._tally
        produced = message.produced(message.sent())
        deliveries = message.deliveries.get(self._group)
        if deliveries:
            tally.expected += 1
            tally.actual += 1
            tally.over += len(deliveries) - 1
            first = deliveries[0]
            if produced is not None:
                latency = duration_ms(produced, first.nanos)
                tally.consume.add(latency)
                tally.sla_breaches += self._limit is not None and latency > self._limit
            commit = self._block.settlements[self._group].commit_after(offset, first)
            if commit is not None:
                tally.committed += 1
                tally.commit.add(duration_ms(first.nanos, commit.nanos))
            return
        since = message.first if produced is None else produced // NANOS_PER_MILLI
        if self._block.expects(self._group, offset, since):
            tally.expected += 1
            tally.under += since <= self._before

    def tally(self) -> GroupTally | None:
        """The tally; None if no message concerned the group."""
        if not self._tally.expected:
            return None
        self._tally.commits_seen = int(self._block.commits_seen(self._group))
        return self._tally
