"""BlockReview: works out what is to be written of the messages and commits that changed, and writes it."""

from collections.abc import Sequence
from operator import attrgetter
from typing import Any

import numpy as np

from transforms.input.dates import duration_ms
from transforms.join.block import Block
from transforms.join.block_facts import Commit, Message
from transforms.join.block_output import BlockWriter
from transforms.join.trace_table import ALONE, WRITTEN, Rows, TraceTable, durations_ms
from transforms.state.waits import Deadlines, Waits, deadline_after, earliest, passed_by

_order = attrgetter("order")


class BlockReview:
    """Writes what is ready, and knows until when the rest is held."""

    def __init__(self, block: Block, writer: BlockWriter, waits: Waits) -> None:
        self._block = block
        self._writer = writer
        self._waits = waits
        self._holds: Deadlines[int | Commit] = Deadlines()
        self._touched: dict[int, None] = {}
        self._touched_commits: dict[Commit, None] = {}
        self._touched_tables: set[TraceTable] = set()
        #: By their own offset, the commits that do not settle what lies there, or not yet.
        self._unsettled: dict[int, set[Commit]] = {}
        #: Per table the deadline of what it holds longest.
        self._held: dict[TraceTable, int | None] = {}

    def touch(self, offset: int) -> None:
        """A fact about this message, which is an object, has changed."""
        self._touched[offset] = None

    def as_object(self, offset: int) -> Message:
        """The message at this offset as an object that changes, with the times of all facts that came."""
        block = self._block
        row = block.row(offset)
        if not block.is_object[row]:
            self.touch_tables()
        message = block.promote(row)
        message.first, message.last = int(block.first[row]), int(block.last[row])
        self.touch(offset)
        return message

    def touch_commit(self, commit: Commit) -> None:
        """A fact about this commit has changed."""
        self._touched_commits[commit] = None

    def touch_rows(self, rows: Rows) -> None:
        """Facts came to these rows: commits at their offsets may have to say something else."""
        if self._unsettled:
            for offset in self._unsettled.keys() & set((rows + self._block.base).tolist()):
                self._touched_commits.update(dict.fromkeys(self._unsettled[offset]))

    def touch_table(self, table: TraceTable) -> None:
        """Traces came into these columns, or left them."""
        self._touched_tables.add(table)

    def touch_tables(self) -> None:
        """Traces left any of the columns."""
        self._touched_tables.update(self._block.tables())

    def touch_all(self) -> None:
        """Nothing is known of what is held."""
        self.touch_tables()
        self._touched.update(dict.fromkeys(self._block.messages))
        self._touched_commits.update(dict.fromkeys(self._block.commits()))

    def forget(self, subjects: Sequence[int | Commit]) -> None:
        """These messages and commits are gone."""
        for subject in subjects:
            self._holds.set(subject, None)
            if isinstance(subject, Commit):
                self._keep_unsettled(subject, is_open=False)

    def deadline(self) -> int | None:
        """When the next hold ends (ms)."""
        return earliest(self._holds.next(), *self._held.values())

    def settled(self, group: str, pairs: Sequence[tuple[int, Commit]]) -> None:
        """Plain deliveries, by row, were settled for the first time, each by this commit."""
        if not pairs:
            return
        rows = np.array([row for row, _ in pairs])
        commits = [commit for _, commit in pairs]
        dates = np.array([commit.nanos for commit in commits], np.int64)
        durations = durations_ms(self._block.reads[group].nanos[rows], dates)
        self._writer.plain_commits(rows, commits, durations.tolist())
        for row, commit in pairs:
            if self._block.base + row == commit.offset:
                self._touched_commits[commit] = None

    def write_due(self, now: int) -> None:
        """Write what has waited long enough at `now` (ms) as it is."""
        for subject in self._holds.due(now):
            if isinstance(subject, Commit):
                self._touched_commits[subject] = None
            else:
                self._touched[subject] = None
        self.write(now)

    def write(self, now: int) -> None:
        """Write what changed, or has waited long enough. Times in ms."""
        block, holds = self._block, self._holds
        self.write_plain()
        if (until := earliest(*self._held.values())) is not None and until <= now:
            self._write_overdue(now)
        for offset in self._touched:
            holds.set(offset, self._message(offset, block.messages[offset], now))
            commits = block.commits_at.get(offset)
            if commits:
                self._touched_commits.update(dict.fromkeys(commits))
        for commit in self._touched_commits:
            holds.set(commit, self._commit(commit, now))
        self._touched, self._touched_commits = {}, {}

    # Plain messages -------------------------------------------------------------------------------------------------

    def _write_overdue(self, now: int) -> None:
        """Write traces that have waited for their SEND until now (ms)."""
        block, waits = self._block, self._waits
        due = block.acks.held_until(passed_by(now, waits.hold_ack))
        if due.size:
            messages = [block.message(row) for row in due.tolist()]
            self._writer.plain_acks(due, [message.correlation_id(None) for message in messages], [None] * len(due))
            self._write_alone(block.acks, due)
        for group, reads in block.reads.items():
            due = reads.held_until(passed_by(now, waits.hold_consume))
            if due.size:
                self._writer.plain_reads(group, due, [None] * len(due))
                self._write_alone(reads, due)
        self.write_plain()

    def write_plain(self) -> None:
        """Write what is ready of plain messages, and work out until when the rest is held."""
        block, touched = self._block, self._touched_tables
        if not touched:
            return
        has_sends = block.sends in touched
        if has_sends or block.acks in touched:
            rows = self._take_ready(block.acks, self._waits.hold_ack)
            if rows.size:
                self._writer.plain_acks(rows, block.sends.names(rows), self._durations(block.acks, rows))
        for group, reads in block.reads.items():
            if has_sends or reads in touched:
                rows = self._take_ready(reads, self._waits.hold_consume)
                if rows.size:
                    self._writer.plain_reads(group, rows, self._durations(reads, rows))
        self._touched_tables = set()

    def _take_ready(self, table: TraceTable, hold: int) -> Rows:
        """The rows of traces that wait and have their SEND; they wait no longer. The others are held so long (ms)."""
        held = table.held()
        is_ready = self._block.sends.nanos[held] != 0
        ready: Rows = held[is_ready]
        waiting = held[~is_ready]
        table.states[ready] = WRITTEN
        self._held[table] = deadline_after(int(table.timestamps[waiting].min()), hold) if waiting.size else None
        return ready

    def _write_alone(self, table: TraceTable, rows: Rows) -> None:
        table.states[rows] = ALONE
        self._block.is_alone[rows] = True
        self._touched_tables.add(table)

    def _durations(self, table: TraceTable, rows: Rows) -> list[int]:
        durations: list[int] = durations_ms(self._block.sends.nanos[rows], table.nanos[rows]).tolist()
        return durations

    # All others -----------------------------------------------------------------------------------------------------

    def _message(self, offset: int, message: Message, now: int) -> int | None:
        """Write what is ready of this offset; until when the rest is held."""
        return earliest(*(self._incarnation(offset, one, now) for one in message.incarnations()))

    def _incarnation(self, offset: int, message: Message, now: int) -> int | None:
        writer = self._writer
        sent = message.sent()
        correlation = message.correlation_id(sent) if message.acks else None
        waiting: list[int] = []
        for ack in message.acks:
            if sent is not None or ack.revision or ack.deadline <= now:
                duration = None if sent is None else duration_ms(sent.nanos, ack.nanos)
                writer.ack(offset, ack, correlation, duration)
            else:
                waiting.append(ack.deadline)
        for group, deliveries in message.deliveries.items():
            for count, delivery in enumerate(deliveries, start=1):
                if sent is not None or delivery.revision or delivery.deadline <= now:
                    duration = None if sent is None else duration_ms(sent.nanos, delivery.nanos)
                    writer.consume(offset, group, delivery, duration, count)
                else:
                    waiting.append(delivery.deadline)
        return min(waiting, default=None)

    def _commit(self, commit: Commit, now: int) -> int | None:
        """Write the records of this commit that are new or changed; until when its own record is held."""
        records: dict[int, tuple[Any, ...]] = {}
        for offset, deliveries in commit.settled.items():
            last = max(deliveries, key=_order)
            duration = duration_ms(last.nanos, commit.nanos)
            records[commit.record_of(offset)] = (offset, last.correlation_id, duration, False)
        is_open = commit.is_home and Commit.OWN not in records and not self._settles_own_row(commit)
        is_held = is_open and not self._is_over(commit, now)
        if is_open and not is_held:
            records[Commit.OWN] = (commit.offset, self._correlation_id(commit), None, commit.repeated)
        self._writer.commit(commit, records)
        self._keep_unsettled(commit, is_open=is_open)
        return commit.deadline if is_held else None

    def _keep_unsettled(self, commit: Commit, *, is_open: bool) -> None:
        if is_open:
            self._unsettled.setdefault(commit.offset, set()).add(commit)
        elif commit.offset in self._unsettled:
            self._unsettled[commit.offset].discard(commit)
            if not self._unsettled[commit.offset]:
                del self._unsettled[commit.offset]

    def _settles_own_row(self, commit: Commit) -> bool:
        """Whether it settles a plain delivery at its own offset: its own record said so then."""
        block = self._block
        row, reads = commit.offset - block.base, block.reads.get(commit.group_id)
        return reads is not None and 0 <= row < block.capacity and bool(reads.settled[row] == commit.slot)

    def _is_over(self, commit: Commit, now: int) -> bool:
        """Whether its own message was read before it (an earlier commit settles that), or its hold is over."""
        message = self._message_at(commit.offset)
        deliveries = message.deliveries.get(commit.group_id) if message is not None else None
        return bool(deliveries and deliveries[0].nanos <= commit.nanos) or commit.deadline <= now

    def _correlation_id(self, commit: Commit) -> str | None:
        """The correlationId of a message not settled here: its group's last delivery's, else the offset's."""
        message = self._message_at(commit.offset)
        if message is None:
            return None
        seen = [one for one in message.deliveries.get(commit.group_id, ()) if one.nanos <= commit.nanos]
        return seen[-1].correlation_id if seen else message.correlation_id(message.sent())

    def _message_at(self, offset: int) -> Message | None:
        block = self._block
        row = offset - block.base
        is_there = 0 <= row < block.capacity and block.last[row] >= 0
        return block.message(row) if is_there else None
