"""Verdicts: what is wrong with one message, decided by its facts alone. docs/verdicts.md explains each rule."""

from bisect import bisect_right
from collections.abc import Iterator
from operator import attrgetter
from typing import Any

import numpy as np

from transforms.findings.findings import (
    LATE,
    LOG_RESTARTED,
    LOST,
    NEGATIVE_LATENCY,
    OVER_CONSUMED,
    UNACKED,
    UNCOMMITTED,
    UNCONSUMED,
    Verdict,
)
from transforms.input.dates import NANOS_PER_MILLI, duration_ms
from transforms.input.records import HEADER_READER, NO_GROUP
from transforms.join.block import NEVER, Block
from transforms.join.block_facts import JoinedTrace, Message
from transforms.state.facts import LocatedSend
from transforms.state.waits import Waits, earliest

#: Causes of over-consumption.
REWIND, REBALANCE, REDELIVERY, UNKNOWN_CAUSE = "rewind", "rebalance", "redelivery", "unknown"
POSSIBLY_ABORTED = "possibly-aborted"

_order = attrgetter("order")


class PassTimes:
    """When each group was first seen beyond an offset of this block, by Kafka timestamp (ms)."""

    def __init__(self, block: Block) -> None:
        self._block = block
        self._of: dict[str, tuple[list[int], list[int]]] = {}
        #: The groups of this block, in order.
        self.groups = sorted(block.groups())

    def at(self, group: str, offset: int) -> int | None:
        """The earliest fact of this group beyond this offset: a read of a later one, a commit of this or a later."""
        if group not in self._of:
            self._of[group] = self._steps(group)
        ends, times = self._of[group]
        place = bisect_right(ends, offset)
        expectation = self._block.expectations.get(group)
        return earliest(times[place] if place < len(times) else None, expectation.passed if expectation else None)

    def _steps(self, group: str) -> tuple[list[int], list[int]]:
        """Offsets in order, and for each the earliest time of a fact there or later."""
        steps = self._links() if group == HEADER_READER else self._reads(group)
        steps.sort()
        times = [timestamp for _, timestamp in steps]
        for index in range(len(times) - 2, -1, -1):
            times[index] = min(times[index], times[index + 1])
        return [offset for offset, _ in steps], times

    def _links(self) -> list[tuple[int, int]]:
        block = self._block
        rows = np.flatnonzero(block.link_timestamps >= 0)
        steps = list(zip((rows + block.base).tolist(), block.link_timestamps[rows].tolist(), strict=True))
        return steps + [(offset, link[1]) for offset, message in block.messages.items() for link in message.links]

    def _reads(self, group: str) -> list[tuple[int, int]]:
        block, steps, first = self._block, list[tuple[int, int]](), NEVER
        reads = block.reads.get(group)
        rows = np.flatnonzero(reads.nanos) if reads is not None else ()
        if reads is not None and len(rows):
            first = int(reads.nanos[rows].min())
            steps += zip((np.asarray(rows) + block.base).tolist(), reads.timestamps[rows].tolist(), strict=True)
        for offset, message in block.messages.items():
            for one in message.deliveries.get(group, ()):
                steps.append((offset, one.timestamp))
                first = min(first, one.nanos)
        if not steps:
            return []
        # Commits before or below all of these are sent here by chance only: that would depend on the order.
        low = min(offset for offset, _ in steps)
        return steps + [
            (commit.offset + 1, commit.timestamp)
            for commit in block.settlements[group].commits
            if commit.offset >= low and commit.nanos >= first
        ]


class Verdicts:
    """All verdicts about the messages of a block. Of a topic that `is_compacted` none is missing."""

    def __init__(self, block: Block, waits: Waits, *, is_compacted: bool = False) -> None:
        self._block = block
        self._waits = waits
        self._is_compacted = is_compacted

    def of_all(self, offset: int, incarnations: list[Message], passes: PassTimes) -> Iterator[Verdict]:
        """The verdicts about all messages that lay at one offset, those too whose deadline is still to come.

        Of two under one name the one about the earlier message holds.
        """
        told: set[str] = set()
        for message in incarnations:
            sent = message.sent()
            produced = message.produced(sent)
            for verdict in self.of(offset, message, sent, passes):
                if verdict.id not in told:
                    told.add(verdict.id)
                    verdict.known["produced"] = None if produced is None else produced // NANOS_PER_MILLI
                    yield verdict
        if len(incarnations) > 1:
            begun: list[LocatedSend | JoinedTrace] = [*incarnations[1].sends, *incarnations[1].acks]
            second = min(begun, key=_order)
            known = {"correlationId": second.correlation_id, "clientId": second.client_id, "date": second.date}
            yield Verdict(LOG_RESTARTED, self._at(offset), None, known)

    def of(self, offset: int, message: Message, sent: LocatedSend | None, passes: PassTimes) -> Iterator[Verdict]:
        """The verdicts about one message and its SEND."""
        if not message.is_message():
            return
        yield from self._of_producer(offset, message, sent, passes)
        for group in passes.groups:
            deliveries = message.deliveries.get(group)
            if deliveries:
                yield from self._of_deliveries(offset, group, deliveries, sent)
            elif not self._is_compacted and group != NO_GROUP:
                yield from self._of_missing(offset, group, message, sent, passes)

    def _of_producer(
        self, offset: int, message: Message, sent: LocatedSend | None, passes: PassTimes
    ) -> Iterator[Verdict]:
        waits = self._waits
        if sent is not None:
            if self._block.is_unacked(sent, message):
                # The subject names the place: if the SEND moves, another block says so of another, in any order.
                subject = f"{sent.id}:{self._block.partition}:{offset}"
                yield Verdict(UNACKED, subject, sent.timestamp + waits.unacked, _of_send(sent))
            for ack in message.acks:
                yield from _of_pair(ack, sent, waits.hold_ack, "ACK", {"correlationId": sent.correlation_id})
        reader = None if self._is_compacted else self._block.expectations.get(HEADER_READER)
        if message.acks and not message.links and reader is not None and offset >= reader.start:
            passed = passes.at(HEADER_READER, offset)
            if passed is not None:
                ack = message.acks[0]
                known = {"correlationId": message.correlation_id(sent), "clientId": ack.client_id, "date": ack.date}
                yield Verdict(LOST, self._at(offset), max(passed, _first_seen(message)) + waits.lost, known)

    def _of_deliveries(
        self, offset: int, group: str, deliveries: list[JoinedTrace], sent: LocatedSend | None
    ) -> Iterator[Verdict]:
        waits, settlement = self._waits, self._block.settlements[group]
        for count, delivery in enumerate(deliveries, start=1):
            about: dict[str, Any] = {"groupId": group, "correlationId": delivery.correlation_id}
            if sent is not None:
                yield from _of_pair(delivery, sent, waits.hold_consume, "CONSUME", about)
            commit = delivery.settled_by
            is_partner = count == len(deliveries) or deliveries[count].settled_by is not commit
            if commit is not None and is_partner and delivery.timestamp > commit.timestamp + waits.own_commit:
                known: dict[str, Any] = {"type": "COMMIT", "clientId": commit.client_id, "date": commit.date, **about}
                yield Verdict(LATE, f"{commit.id}:{offset}", None, known)
            if count > 1 and group != NO_GROUP:
                known = {
                    "clientId": delivery.client_id, "date": delivery.date, "deliveryCount": count,
                    "firstClientId": deliveries[0].client_id, "firstDate": deliveries[0].date,
                    "cause": self._cause(offset, group, deliveries[:count]),
                }  # fmt: skip
                yield Verdict(OVER_CONSUMED, delivery.id, None, about | known)
        last = deliveries[-1]
        is_uncommitted = settlement.commit_after(offset, last) is None and self._block.commits_seen(group)
        if is_uncommitted and not settlement.may_follow(offset, last, waits.commit_reorder * NANOS_PER_MILLI):
            known = {"correlationId": last.correlation_id, "groupId": group}
            known |= {"clientId": last.client_id, "date": last.date}
            yield Verdict(UNCOMMITTED, f"{group}:{self._at(offset)}", last.timestamp + waits.uncommitted, known)

    def _cause(self, offset: int, group: str, deliveries: list[JoinedTrace]) -> str:
        """Why a group read a message again: the last of these deliveries."""
        first, before, delivery = deliveries[0], *deliveries[-2:]
        commit = self._block.settlements[group].commit_after(offset, first)
        if commit is not None and commit.nanos < delivery.nanos:
            return REWIND
        if before.client_id != delivery.client_id:
            return REBALANCE
        return REDELIVERY if self._block.commits_seen(group) else UNKNOWN_CAUSE

    def _of_missing(
        self, offset: int, group: str, message: Message, sent: LocatedSend | None, passes: PassTimes
    ) -> Iterator[Verdict]:
        produced = message.produced(sent)
        if not self._block.expects(group, offset, message.first if produced is None else produced // NANOS_PER_MILLI):
            return
        passed = passes.at(group, offset)
        if passed is None:
            return
        known: dict[str, Any] = _of_send(sent) if sent is not None else _of_first(message)
        known |= {"groupId": group, "cause": None if message.deliveries else POSSIBLY_ABORTED}
        deadline = max(passed, _first_seen(message)) + self._waits.unconsumed
        yield Verdict(UNCONSUMED, f"{group}:{self._at(offset)}", deadline, known)

    def _at(self, offset: int) -> str:
        return f"{self._block.topic}:{self._block.partition}:{offset}"


def _of_pair(trace: JoinedTrace, sent: LocatedSend, hold: int, kind: str, about: dict[str, Any]) -> Iterator[Verdict]:
    """What the dates and times of an ACK or a CONSUME and its SEND say."""
    is_before, is_late = trace.nanos < sent.nanos, sent.timestamp > trace.timestamp + hold
    if not (is_before or is_late):  # nearly always, and this is asked of every trace
        return
    known = {"type": kind, **about, "clientId": trace.client_id, "date": trace.date}
    duration = duration_ms(sent.nanos, trace.nanos)
    if duration < 0:
        yield Verdict(NEGATIVE_LATENCY, trace.id, None, {**known, "durationMs": duration, "sentBy": sent.client_id})
    if is_late:
        yield Verdict(LATE, trace.id, None, known)


def _first_seen(message: Message) -> int:
    """The lowest Kafka timestamp (ms) of its facts, that of a SEND which moved elsewhere not among them."""
    times = [sent.timestamp for sent in message.sends if sent.live]
    times += [timestamp for _, timestamp in message.links]
    times += [held.timestamp for held in message.acks]
    times += [held.timestamp for deliveries in message.deliveries.values() for held in deliveries]
    return min(times)


def _of_send(sent: LocatedSend) -> dict[str, Any]:
    return {"correlationId": sent.correlation_id, "clientId": sent.client_id, "date": sent.date}


def _of_first(message: Message) -> dict[str, Any]:
    """What is known of a message without a SEND: who it was acknowledged to, else only when it was first read."""
    known: dict[str, Any] = {"correlationId": message.correlation_id(None)}
    if message.acks:
        return known | {"clientId": message.acks[0].client_id, "date": message.acks[0].date}
    reads = [deliveries[0] for deliveries in message.deliveries.values()]
    return known | {"date": min(reads, key=_order).date} if reads else known
