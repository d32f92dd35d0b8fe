"""Tallies: what one block adds to the statistics of one window, a minute of produce time.

A tally says all that the block knows of the window, so that it replaces what the block said before. Latencies are in ms
and taken from first deliveries: ack = ACK - produced, consume = CONSUME - produced, commit = first COMMIT at or beyond
it - CONSUME.
"""

from collections.abc import Iterable
from typing import Any

from transforms.block import Block
from transforms.block_facts import Held, Message, Sent
from transforms.dates import NANOS_PER_MILLI, duration_ms
from transforms.latency_sketch import LatencySketch
from transforms.sla import Sla

#: `(of, over)` -> ms: the clock of `of` is at most so far ahead of that of `over`.
Bounds = dict[tuple[str, str], int]


class TopicTally:
    """The messages of one window, whoever reads them."""

    def __init__(self) -> None:
        self._counts = dict.fromkeys(("produced", "sent", "acked", "unknownProduceTime", "traced"), 0)
        self._offsets: list[int] = []
        self._ack = LatencySketch()

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


def clock_bounds(messages: Iterable[Message]) -> Bounds:
    """How far one client's clock can be ahead of another's, by messages in order of their offsets.

    A message was read after it was sent: clock of the reader - of the sender <= CONSUME - SEND. Of two messages the
    first was in the log before the second was acknowledged: clock of the second's sender - of the first's <= ACK of the
    second - SEND of the first.
    """
    bounds: dict[tuple[str, str], int] = {}

    def bound(later: Held, sent: Sent) -> None:
        if later.client_id != sent.client_id:
            pair, elapsed = (later.client_id, sent.client_id), later.nanos - sent.nanos
            if elapsed < bounds.get(pair, elapsed + 1):
                bounds[pair] = elapsed

    before: Sent | None = None
    for message in messages:
        sent = message.sent()
        if sent is None:
            continue
        for deliveries in message.deliveries.values():
            bound(deliveries[0], sent)
        if before is not None and message.acks:
            bound(message.acks[0], before)
        before = sent
    return {pair: -(-elapsed // NANOS_PER_MILLI) for pair, elapsed in bounds.items()}  # rounded up
