"""Tallies: what one block adds to the statistics of one window, a minute of produce time.

A tally says all that the block knows of the window, so that it replaces what the block said before. Latencies are in ms
and taken from first deliveries: ack = ACK - produced, consume = CONSUME - produced, commit = first COMMIT at or beyond
it - CONSUME.
"""

from collections.abc import Iterable
from typing import Any

import numpy as np

from transforms.block import Block
from transforms.block_facts import Message
from transforms.dates import NANOS_PER_MILLI, duration_ms
from transforms.latency_sketch import LatencySketch
from transforms.sla import Sla
from transforms.trace_table import UNSETTLED, Rows, durations_ms


class TopicTally:
    """The messages of one window, whoever reads them."""

    def __init__(self) -> None:
        self._counts = dict.fromkeys(("produced", "sent", "acked", "unknownProduceTime", "traced"), 0)
        self._offsets: list[int] = []
        self._ack = LatencySketch()

    def add_rows(self, block: Block, rows: Rows) -> None:
        """Count plain messages that have a SEND."""
        if not rows.size:
            return
        counts, count = self._counts, len(rows)
        acked = rows[block.acks.nanos[rows] != 0]
        self._offsets += [block.base + int(rows[0]), block.base + int(rows[-1])]
        for name in ("produced", "sent", "traced"):
            counts[name] += count
        counts["acked"] += len(acked)
        self._ack.add_all(durations_ms(block.sends.nanos[acked], block.acks.nanos[acked]))

    def add(self, offset: int, message: Message) -> None:
        """Count a message."""
        counts, sent = self._counts, message.sent()
        produced = message.produced(sent)
        self._offsets.append(offset)
        counts["produced"] += 1
        counts["sent"] += sent is not None
        counts["acked"] += bool(message.acks)
        counts["unknownProduceTime"] += produced is None
        counts["traced"] += sent is not None or bool(message.acks)
        if produced is not None and message.acks:
            self._ack.add(duration_ms(produced, message.acks[0].nanos))

    def as_json(self) -> dict[str, Any] | None:
        """The tally; None if it is empty."""
        if not self._offsets:
            return None
        return {
            **self._counts, "low": min(self._offsets), "high": max(self._offsets), "ack": self._ack.as_json()
        }  # fmt: skip


class GroupTally:
    """What one group made of the messages of one window."""

    def __init__(self, block: Block, group: str, sla: Sla, now: int, buffer: int) -> None:
        self._block = block
        self._group = group
        self._limit = sla.limit(block.topic, group)
        self._before = now - buffer
        self._counts = dict.fromkeys(("expected", "actual", "over", "under", "committed", "slaBreaches"), 0)
        self._consume, self._commit = LatencySketch(), LatencySketch()

    def add_rows(self, rows: Rows) -> None:
        """Count plain messages that have a SEND, and concern the group."""
        block, counts, reads = self._block, self._counts, self._block.reads.get(self._group)
        missing = rows
        if reads is not None:
            is_read = reads.nanos[rows] != 0
            read, missing = rows[is_read], rows[~is_read]
            latencies = durations_ms(block.sends.nanos[read], reads.nanos[read])
            counts["expected"] += len(read)
            counts["actual"] += len(read)
            counts["slaBreaches"] += 0 if self._limit is None else int(np.count_nonzero(latencies > self._limit))
            self._consume.add_all(latencies)
            committed = read[reads.settled[read] != UNSETTLED]
            counts["committed"] += len(committed)
            if committed.size:
                dates = block.settlements[self._group].dates()[reads.settled[committed]]
                self._commit.add_all(durations_ms(reads.nanos[committed], dates))
        expectation = block.expectations.get(self._group)
        if expectation is not None and missing.size:
            since = block.sends.nanos[missing] // NANOS_PER_MILLI
            since = since[(missing + block.base >= expectation.start) & (since <= expectation.until)]
            counts["expected"] += len(since)
            counts["under"] += int(np.count_nonzero(since <= self._before))

    def add(self, offset: int, message: Message) -> None:
        """Count a message, if it concerns the group."""
        counts = self._counts
        produced = message.produced(message.sent())
        deliveries = message.deliveries.get(self._group)
        if deliveries:
            counts["expected"] += 1
            counts["actual"] += 1
            counts["over"] += len(deliveries) - 1
            first = deliveries[0]
            if produced is not None:
                latency = duration_ms(produced, first.nanos)
                self._consume.add(latency)
                counts["slaBreaches"] += self._limit is not None and latency > self._limit
            commit = self._block.settlements[self._group].commit_after(offset, first)
            if commit is not None:
                counts["committed"] += 1
                self._commit.add(duration_ms(first.nanos, commit.nanos))
            return
        since = message.first if produced is None else produced // NANOS_PER_MILLI
        if self._block.expects(self._group, offset, since):
            counts["expected"] += 1
            counts["under"] += since <= self._before

    def as_json(self) -> dict[str, Any] | None:
        """The tally; None if no message concerned the group."""
        if not self._counts["expected"]:
            return None
        seen = self._block.commits_seen(self._group)
        return {
            **self._counts, "commitsSeen": seen, "consume": self._consume.as_json(), "commit": self._commit.as_json()
        }  # fmt: skip
