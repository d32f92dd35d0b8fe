"""BlockView: all facts about 1,024 consecutive offsets of one partition, joined (the view of JoinBlocks).

In: located SENDs, ACKs, CONSUMEs, header links, commits, and what is said of groups. Out: every ACK, CONSUME
and COMMIT enriched, written when its partners are known or its hold ends, and again with a higher revision when facts
that come later change it; findings and tallies (BlockJudge).

What is written depends on the facts alone, so any order of arrival ends in the same records.
"""

from bisect import insort
from collections.abc import Callable
from operator import attrgetter
from typing import Any

import numpy as np
from msgspec import msgpack

from transforms.findings.block_judge import BlockJudge
from transforms.findings.findings import MINUTE_MS
from transforms.findings.sla import Sla
from transforms.input.records import HEADER_READER
from transforms.join import block_snapshot
from transforms.join.block import Block
from transforms.join.block_commits import BlockCommits
from transforms.join.block_facts import JoinedTrace
from transforms.join.block_forget import BlockForget
from transforms.join.block_output import BlockWriter
from transforms.join.block_review import BlockReview
from transforms.join.trace_table import Flags, Rows, TraceTable
from transforms.state.facts import (
    Acks,
    BlockFact,
    CommitUpTo,
    Ended,
    GroupExpectation,
    HeaderLinks,
    LocatedSend,
    LocatedSends,
    ProducerAnswered,
    Reads,
    TraceColumns,
)
from transforms.state.view import Outputs
from transforms.state.waits import Waits, deadline_after, earliest

_order = attrgetter("order")

#: Event time (ms) without a fact after which a block is kept as a snapshot alone.
QUIET = 120_000


class BlockView:
    """See the head of this file.

    `limit` bounds its facts; `exact` lets a commit settle its own offset only; `is_compacted` says of which topics
    the log may lose messages.
    """

    decode = staticmethod(msgpack.Decoder(list[BlockFact]).decode)

    def __init__(
        self,
        key: bytes,
        waits: Waits,
        limit: int,
        block_size: int,
        *,
        exact: bool = False,
        cluster: str = "",
        sla: Sla | None = None,
        is_compacted: Callable[[str], bool] | None = None,
    ) -> None:
        self._waits = waits
        self._limit = limit
        self._block = block = Block(key, waits, block_size, exact=exact)
        self._writer = BlockWriter(block, cluster)
        self._review = BlockReview(block, self._writer, waits)
        compacted = is_compacted is not None and is_compacted(block.topic)
        self._judge = BlockJudge(block, self._writer, waits, sla or Sla(), is_compacted=compacted)
        self._commits = BlockCommits(block, self._review, self._judge, waits)
        self._forget = BlockForget(block, self._writer, self._review, waits)
        self._now = -1
        self._end: int | None = None
        self._trim_at: int | None = None
        #: When to look whether nothing has happened for a while.
        self._look_at: int | None = None
        self._take: dict[type, Callable[[Any], None]] = {
            LocatedSends: self._sends,
            LocatedSend: self._send,
            Acks: self._acks,
            Reads: self._reads,
            CommitUpTo: self._commit,
            HeaderLinks: self._links,
            GroupExpectation: self._expectation,
            ProducerAnswered: self._answered,
            Ended: self._ended,
        }

    def on_facts(self, facts: list[BlockFact]) -> Outputs:
        """Take in facts; write what they complete or change."""
        self._writer.outputs = outputs = Outputs()
        for fact in facts:
            self._take[type(fact)](fact)
        self._commits.settle()
        self._review.write(self._now)
        if self._block.facts > self._limit:
            self._forget.evict(self._limit, self._now)
        return outputs

    def on_time(self, now: int) -> Outputs:
        """Write what has waited long enough, judge what is due, forget what is past retention."""
        self._writer.outputs = outputs = Outputs()
        self._now = now = max(self._now, now)
        self._review.write_due(now)
        due = self._judge.deadline()
        if due is not None and due <= now:
            self._judge.judge(now, self._end)
        if self._trim_at is not None and self._trim_at <= now:
            self._trim_at = self._forget.expire(now)
            self._judge.forget_windows()
        if self._look_at is not None and self._look_at <= now:
            self._look_at = self._look_after(int(self._block.last.max()))
        outputs.is_quiet = self._look_at is None
        return outputs

    def deadline(self) -> int | None:
        """The next hold that ends, the next judgement, or the next look for what is past retention."""
        return earliest(self._review.deadline(), self._judge.deadline(), self._trim_at, self._look_at)

    def size(self) -> int:
        """Facts held."""
        return self._block.facts

    # Traces of messages ---------------------------------------------------------------------------------------------

    def _sends(self, columns: LocatedSends) -> None:
        block, sends = self._block, self._block.sends
        rows = block.rows(columns.offsets)
        odd = self._touch(rows, columns.timestamps) | (sends.nanos[rows] != 0)
        self._put(sends, rows, odd, columns)
        for item in np.flatnonzero(odd).tolist():
            self._take_send(_send_of(columns, item))
        self._part_strangers(rows[~odd])

    def _send(self, send: LocatedSend) -> None:
        row = self._block.row(send.offset)
        self._touch(np.array([row]), np.array([send.timestamp]).tobytes())
        self._take_send(send)

    def _take_send(self, send: LocatedSend) -> None:
        message = self._review.as_object(send.offset)
        known = next((other for other in message.sends if other.id == send.id), None)
        if known is not None:
            self._block.facts -= 1
            if known.version >= send.version:
                return
            message.sends.remove(known)
        message.sends.append(send)

    def _acks(self, columns: Acks) -> None:
        block, acks = self._block, self._block.acks
        rows = block.rows(columns.offsets)
        odd = self._touch(rows, columns.timestamps) | (acks.nanos[rows] != 0)
        self._put(acks, rows, odd, columns)
        for item in np.flatnonzero(odd).tolist():
            ack = _trace_of(columns, item, self._waits.hold_ack)
            offset = block.base + int(rows[item])
            message = self._review.as_object(offset)
            if self._is_new(ack):
                _insert(message.acks, ack)
        if columns.correlation_ids is not None:
            self._part_strangers(rows[~odd])

    def _reads(self, columns: Reads) -> None:
        block, group = self._block, columns.group_id
        reads = block.reads_of(group)
        rows = block.rows(columns.offsets)
        odd = self._touch(rows, columns.timestamps) | (reads.nanos[rows] != 0)
        self._put(reads, rows, odd, columns)
        self._pass(group, rows, columns.timestamps)
        for item in np.flatnonzero(odd).tolist():
            self._deliver(block.base + int(rows[item]), group, _trace_of(columns, item, self._waits.hold_consume))
        self._commits.settle_new(group, rows[~odd])

    def _deliver(self, offset: int, group: str, delivery: JoinedTrace) -> None:
        message = self._review.as_object(offset)
        if not self._is_new(delivery):
            return
        _insert(message.deliveries.setdefault(group, []), delivery)
        settling = self._block.settlement(group).deliver(offset, delivery)
        if settling is not None:
            self._review.touch_commit(settling)

    def _links(self, columns: HeaderLinks) -> None:
        block = self._block
        rows = block.rows(columns.offsets)
        odd = self._touch(rows, columns.timestamps) | (block.link_timestamps[rows] >= 0)
        timestamps = np.frombuffer(columns.timestamps, np.int64)
        block.link_timestamps[rows[~odd]] = timestamps[~odd]
        for item in np.flatnonzero(~odd).tolist():
            block.link_correlation_ids[int(rows[item])] = columns.correlation_ids[item]
        for item in np.flatnonzero(odd).tolist():
            message = self._review.as_object(block.base + int(rows[item]))
            link = columns.correlation_ids[item], int(timestamps[item])
            if link in message.links:
                block.facts -= 1
            else:
                message.links.append(link)
        self._pass(HEADER_READER, rows, columns.timestamps)

    def _pass(self, group: str, rows: Rows, timestamps: bytes) -> None:
        """The group has come to these rows: what it left out below is judged."""
        since = int(np.frombuffer(timestamps, np.int64).min())
        self._judge.mark_skipped(group, self._block.base + int(rows.max()), since, self._now)

    def _touch(self, rows: Rows, timestamps: bytes) -> Flags:
        """Facts of these times (ms) are about to come to these rows, one each; which of them are not plain."""
        block, times = self._block, np.frombuffer(timestamps, np.int64)
        block.touched[rows] = True
        block.facts += len(rows)
        self._review.touch_rows(rows)
        since = int(times.min())
        self._judge.mark_dirty(since, self._now)
        self._keep(since + MINUTE_MS, self._waits.retention)
        if self._look_at is None:
            self._look_at = max(deadline_after(since, QUIET), self._now + 1)
        odd: Flags = block.is_object[rows] | block.is_alone[rows]
        if len(set(rows.tolist())) == len(rows):
            block.first[rows] = np.minimum(block.first[rows], times)
            block.last[rows] = np.maximum(block.last[rows], times)
        else:
            np.minimum.at(block.first, rows, times)
            np.maximum.at(block.last, rows, times)
            _, item, count = np.unique(rows, return_inverse=True, return_counts=True)
            odd |= (count > 1)[item]
        return odd

    def _keep(self, timestamp: int, wait: int) -> None:
        """Look for what is past retention when this wait (ms) is over, unless a look is due already."""
        if self._trim_at is None:
            self._trim_at = max(deadline_after(timestamp, wait), self._now + 1)

    def _look_after(self, last: int) -> int | None:
        """When the newest fact (ms) is old enough for the block to be quiet; None if it is."""
        quiet_at = deadline_after(last, QUIET)
        return quiet_at if quiet_at > self._now else None

    def _put(self, table: TraceTable, rows: Rows, odd: Flags, columns: TraceColumns) -> None:
        """Put the traces that are not odd into the columns."""
        clients = self._block.numbers_of(columns.client_ids)[np.frombuffer(columns.clients, np.int32)]
        if not odd.any():
            table.put(rows, None, columns, clients)
        elif not odd.all():
            table.put(rows[~odd], np.flatnonzero(~odd), columns, clients)
        self._review.touch_table(table)

    def _is_new(self, trace: JoinedTrace) -> bool:
        """Whether the trace is not known yet. One that lies twice in the topic counts by its earliest time."""
        known = self._block.ids.get(trace.id)
        if known is None:
            self._block.ids[trace.id] = trace
            return True
        self._block.facts -= 1
        self._writer.outputs.counts["duplicates"] += 1
        if trace.timestamp < known.timestamp:
            known.timestamp, known.deadline = trace.timestamp, trace.deadline
        return False

    def _part_strangers(self, rows: Rows) -> None:
        """Rows whose SEND and ACK name different correlationIds hold two messages, so they are not plain."""
        block = self._block
        sends, acks = block.sends.correlation_ids, block.acks.correlation_ids
        for row in rows[(block.sends.nanos[rows] != 0) & (block.acks.nanos[rows] != 0)].tolist():
            if acks[row] is not None and acks[row] != sends[row]:
                self._review.as_object(block.base + row)

    # Commits, groups and producers --------------------------------------------------------------------------------

    def _commit(self, told: CommitUpTo) -> None:
        if self._commits.take(told, self._now):
            self._keep(told.timestamp + MINUTE_MS, self._waits.retention)

    def _expectation(self, news: GroupExpectation) -> None:
        known = self._block.expectations.get(news.group_id)
        merged = news if known is None else known.merge(news)
        if merged != known:
            self._block.expectations[news.group_id] = merged
            self._keep(merged.until, 0)  # news for a block that is forgotten, or not there yet, is no reason to stay
            self._judge.mark_all_dirty(self._now)

    def _answered(self, answered: ProducerAnswered) -> None:
        known = self._block.bare.get(answered.client_id)
        if known is None or (answered.places and not known):
            self._block.bare[answered.client_id] = answered.places
            self._keep(answered.timestamp, self._waits.retention)
            self._judge.mark_all_dirty(self._now)

    def _ended(self, ended: Ended) -> None:
        """Whatever holds ends, what would be judged later is not judged."""
        self._end = ended.at

    # Keeping --------------------------------------------------------------------------------------------------------

    def snapshot(self) -> bytes:
        """All of it."""
        own = self._waits, self._now, self._trim_at, self._look_at, self._end
        return block_snapshot.save(block_snapshot.Saved(*own, block_snapshot.of(self._block), self._judge.state()))

    def restore(self, snapshot: bytes) -> None:
        """Be what a snapshot says."""
        saved = block_snapshot.load(snapshot)
        self._now, self._trim_at = saved.now, saved.trim_at
        self._look_at, self._end = saved.look_at, saved.end
        block_snapshot.fill(self._block, saved.block, self._waits)
        self._judge.restore(saved.judge)
        self._review.touch_all()
        self._review.write(self._now)
        if saved.waits != self._waits:  # what was due, and when, is another now
            self._judge.mark_all_dirty(self._now)
            self._trim_at = self._now + 1


def _insert(traces: list[JoinedTrace], trace: JoinedTrace) -> None:
    """In their order; nearly always it is the only one."""
    if traces:
        insort(traces, trace, key=_order)
    else:
        traces.append(trace)


def _trace_of(columns: TraceColumns, item: int, hold: int) -> JoinedTrace:
    """One trace of the columns; `hold` is how long (ms) it may wait for its SEND."""
    timestamp = int(np.frombuffer(columns.timestamps, np.int64)[item])
    return JoinedTrace(
        columns.ids[item],
        int(np.frombuffer(columns.nanos, np.int64)[item]),
        columns.digits[item],
        columns.client_ids[np.frombuffer(columns.clients, np.int32)[item]],
        timestamp,
        None if columns.correlation_ids is None else columns.correlation_ids[item],
        None if columns.extras is None else columns.extras.get(item),
        deadline_after(timestamp, hold),
    )


def _send_of(columns: LocatedSends, item: int) -> LocatedSend:
    trace = _trace_of(columns, item, 0)
    offset = int(np.frombuffer(columns.offsets, np.int64)[item])
    return LocatedSend(
        offset, trace.id, trace.correlation_id or "", trace.nanos, trace.digits, trace.client_id, trace.timestamp,
        version=1, live=True, answered=False,
    )  # fmt: skip
