"""Block: all facts about consecutive offsets of one partition.

A message is plain while there is at most one trace of each kind about it (and group), and nothing was written of it
that a fact changed later. Plain messages lie in columns, a row for each offset. Any other is an object in `messages`;
`promote` makes one of a plain message. Nothing but the cost depends on which it is.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np

from transforms.findings.findings import Found
from transforms.input.dates import duration_ms
from transforms.input.records import HEADER_READER
from transforms.join.block_facts import Commit, JoinedTrace, Message
from transforms.join.settlement import Settlement
from transforms.join.trace_table import ALONE, HELD, Flags, Rows, TraceTable
from transforms.state.addresses import parts_of
from transforms.state.facts import GroupExpectation, Int64s, LocatedSend
from transforms.state.waits import Waits, deadline_after

#: No time at all: later than any.
NEVER = 2**63 - 1
_FIRST_CAPACITY = 16


_ROW_COLUMNS = (
    ("first", NEVER), ("last", -1), ("window", -1), ("due", NEVER), ("link_timestamps", -1), ("touched", False),
    ("is_object", False), ("is_alone", False),
)  # fmt: skip


class Block:
    """See the head of this file. `key` is a block key; `facts` counts what is held.

    Of each row: `first` and `last` are the lowest and highest Kafka timestamp (ms) of its facts, `window` the minute
    (ms) that it is counted in, `due` when it is to be judged (ms); `touched`: it is to be judged at the next occasion;
    `is_object`: its message is in `messages`; `is_alone`: something was written of it without its SEND.
    """

    first: Int64s
    last: Int64s
    window: Int64s
    due: Int64s
    link_timestamps: Int64s
    touched: Flags
    is_object: Flags
    is_alone: Flags

    def __init__(self, key: bytes, waits: Waits, block_size: int, *, exact: bool) -> None:
        topic, partition, self.number = parts_of(key)
        self.name = key.decode()
        self.topic = topic
        self.partition = int(partition)
        self.exact = exact
        self.facts = 0
        self.base = self.number * block_size
        self._waits = waits
        self.capacity = min(_FIRST_CAPACITY, block_size)
        self._size = block_size
        for name, nothing in _ROW_COLUMNS:
            setattr(self, name, np.full(self.capacity, nothing))
        self.link_correlation_ids: dict[int, str | None] = {}
        self.sends = TraceTable(self.capacity)
        self.acks = TraceTable(self.capacity)
        self.reads: dict[str, TraceTable] = {}
        self.client_ids: list[str] = []
        self._clients: dict[str, int] = {}
        self.messages: dict[int, Message] = {}
        self.ids: dict[str, JoinedTrace | Commit] = {}
        #: Open findings, by offset and id.
        self.found: dict[int, dict[str, Found]] = {}
        self.commits_at: dict[int, list[Commit]] = {}
        self.settlements: dict[str, Settlement] = {}
        self.expectations: dict[str, GroupExpectation] = {}
        #: The clients that are answered without offsets in this partition, and whether with offsets too.
        self.bare: dict[str, bool] = {}

    # Rows -----------------------------------------------------------------------------------------------------------

    def rows(self, offsets: bytes) -> Rows:
        """The rows of these offsets (int64), made if they are new."""
        rows = np.frombuffer(offsets, np.int64) - self.base
        self._grow(int(rows.max()))
        return rows

    def row(self, offset: int) -> int:
        """The row of this offset, made if it is new."""
        row = offset - self.base
        self._grow(row)
        return row

    def there(self) -> Rows:
        """The rows of which anything is known."""
        return np.flatnonzero(self.last >= 0)

    def plain(self) -> Rows:
        """The rows of plain messages."""
        return np.flatnonzero((self.last >= 0) & ~self.is_object)

    def tables(self) -> Iterator[TraceTable]:
        """All columns of traces."""
        yield self.sends
        yield self.acks
        yield from self.reads.values()

    def reads_of(self, group: str) -> TraceTable:
        """The first deliveries to a group, none yet if it is new."""
        table = self.reads.get(group)
        if table is None:
            table = self.reads[group] = TraceTable(self.capacity)
            self.settlement(group)
        return table

    def numbers_of(self, client_ids: list[str]) -> Rows:
        """The numbers of these clients in the columns."""
        known, names = self._clients, self.client_ids
        for client in client_ids:
            if client not in known:
                known[client] = len(names)
                names.append(client)
        return np.array([known[client] for client in client_ids], np.intp)

    def clear(self, rows: Rows) -> None:
        """Forget all that the columns say of these rows."""
        for name, nothing in _ROW_COLUMNS:
            getattr(self, name)[rows] = nothing
        self.clear_traces(rows)

    def clear_traces(self, rows: Rows) -> None:
        """Forget the traces and links of these rows."""
        for table in self.tables():
            there = rows[table.nanos[rows] != 0]
            if there.size:
                table.clear(there)
        self.link_timestamps[rows] = -1
        if self.link_correlation_ids:
            for row in rows.tolist():
                self.link_correlation_ids.pop(row, None)

    def _grow(self, row: int) -> None:
        if row < self.capacity:
            return
        capacity = self.capacity
        while capacity <= row:
            capacity *= 2
        capacity = max(min(capacity, self._size), row + 1)
        for name, nothing in _ROW_COLUMNS:
            column = getattr(self, name)
            setattr(self, name, np.concatenate([column, np.full(capacity - self.capacity, nothing, column.dtype)]))
        for table in self.tables():
            table.grow(capacity)
        self.capacity = capacity

    # Messages -------------------------------------------------------------------------------------------------------

    def message(self, row: int) -> Message:
        """The message of this row; of a plain one an object that nobody keeps."""
        if self.is_object[row]:
            return self.messages[self.base + row]
        message = Message(int(self.first[row]))
        message.last = int(self.last[row])
        window = int(self.window[row])
        message.windows = () if window < 0 else (window,)
        sends = self.sends
        if sends.nanos[row]:
            message.sends.append(
                LocatedSend(
                    self.base + row, sends.ids[row], sends.correlation_ids[row] or "", int(sends.nanos[row]),
                    int(sends.digits[row]), self.client_ids[sends.clients[row]], int(sends.timestamps[row]),
                    version=1, live=True, answered=False,
                )
            )  # fmt: skip
        if self.link_timestamps[row] >= 0:
            message.links.append((self.link_correlation_ids[row], int(self.link_timestamps[row])))
        if self.acks.nanos[row]:
            message.acks.append(self._trace(self.acks, row, self._waits.hold_ack))
        for group, table in self.reads.items():
            if table.nanos[row]:
                delivery = self._trace(table, row, self._waits.hold_consume)
                slot = int(table.settled[row])
                delivery.settled_by = self.settlements[group].in_slot(slot) if slot >= 0 else None
                message.deliveries[group] = [delivery]
        sent = message.sent()
        for ack in message.acks:
            self._say_written(ack, self.acks.states[row], sent, message.correlation_id(sent))
        for group, (delivery,) in message.deliveries.items():
            self._say_written(delivery, self.reads[group].states[row], sent, 1)
        return message

    def _trace(self, table: TraceTable, row: int, hold: int) -> JoinedTrace:
        timestamp = int(table.timestamps[row])
        return JoinedTrace(
            table.ids[row], int(table.nanos[row]), int(table.digits[row]), self.client_ids[table.clients[row]],
            timestamp, table.correlation_ids[row], table.extras.get(row), deadline_after(timestamp, hold),
        )  # fmt: skip

    def _say_written(self, trace: JoinedTrace, state: int, sent: LocatedSend | None, about: Any) -> None:
        """What was written of a plain trace; `about` is what follows from other facts, an ACK's correlationId first."""
        if state == HELD:
            return
        duration = None if sent is None or state == ALONE else duration_ms(sent.nanos, trace.nanos)
        trace.revision, trace.written = 1, (duration, about)

    def promote(self, row: int) -> Message:
        """Make the plain message of this row an object, with all that was written of it."""
        message = self.message(row)
        if self.is_object[row]:
            return message
        offset = self.base + row
        self.messages[offset] = message
        self.is_object[row] = True
        self.ids.update((trace.id, trace) for trace in message.traces())
        for group, deliveries in message.deliveries.items():
            self.settlements[group].adopt(offset, deliveries[0])
        self.clear_traces(np.array([row]))
        return message

    # Groups ---------------------------------------------------------------------------------------------------------

    def settlement(self, group: str) -> Settlement:
        """The commits and deliveries of a group, none yet if it is new."""
        settlement = self.settlements.get(group)
        if settlement is None:
            settlement = self.settlements[group] = Settlement(exact=self.exact)
        return settlement

    def commits(self) -> Iterator[Commit]:
        """All commits, by group: the order of groups is the same after a snapshot."""
        for group in sorted(self.settlements):
            yield from self.settlements[group].commits

    def groups(self) -> set[str]:
        """The groups that read, commit or pass here."""
        return (self.settlements.keys() | self.expectations.keys()) - {HEADER_READER}

    def commits_seen(self, group: str) -> bool:
        """Whether this group was seen committing in this partition."""
        expected = self.expectations.get(group)
        if expected is not None and expected.commits is not None:
            return True
        settlement = self.settlements.get(group)
        return settlement is not None and bool(settlement.commits)

    def is_unacked(self, sent: LocatedSend, message: Message) -> bool:
        """Whether the producer of this SEND should have been told that it lies here, and was told nothing."""
        return not (message.acks or sent.answered or self.bare.get(sent.client_id) is False)

    def expects(self, group: str, offset: int, produced: int) -> bool:
        """Whether the group should read the message at this offset, produced at this time (ms)."""
        expected = self.expectations.get(group)
        return expected is not None and offset >= expected.start and produced <= expected.until
