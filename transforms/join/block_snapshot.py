"""Snapshots of a block: its columns as they are, and the objects beside them as types."""

from typing import Any

import numpy as np
from msgspec import Struct, msgpack

from transforms.findings.block_judge import JudgeState
from transforms.findings.findings import Found
from transforms.input.dates import NANOS_PER_MILLI
from transforms.join.block import Block
from transforms.join.block_facts import Commit, JoinedTrace, Message
from transforms.join.packed_columns import PackedIds, pack_ids, pack_numbers, unpack_ids, unpack_numbers
from transforms.join.trace_table import TraceTable
from transforms.state.facts import CommitUpTo, GroupExpectation, LocatedSend
from transforms.state.waits import Waits, deadline_after

#: What was written, as MessagePack gives it back.
_Written = list[Any] | None


class _Table(Struct, array_like=True, gc=False):
    """The rows of a TraceTable that have a trace, numbers as `pack_numbers` packs them; digits and states are bytes.

    Dates are the time since the SEND of the row (ns), timestamps that since the date (ms); without a SEND since 1970.
    Of a column of correlationIds that are those of the SENDs nothing is kept.
    """

    rows: bytes
    nanos: bytes
    digits: bytes
    timestamps: bytes
    clients: bytes
    ids: PackedIds
    correlation_ids: PackedIds | None
    extras: dict[int, dict[str, Any]]
    states: bytes
    settled: bytes


class _Trace(Struct, array_like=True, gc=False):
    id: str
    nanos: int
    digits: int
    client_id: str
    timestamp: int
    correlation_id: str | None
    extra: dict[str, Any] | None
    revision: int
    written: _Written


class _Message(Struct, array_like=True, gc=False):
    sends: list[LocatedSend]
    acks: list[_Trace]
    links: list[tuple[str | None, int]]
    deliveries: dict[str, list[_Trace]]
    windows: list[int]


class _Commit(Struct, array_like=True, gc=False):
    told: CommitUpTo
    slot: int
    written: dict[int, tuple[int, _Written]]


class SavedBlock(Struct, array_like=True, gc=False):
    """All that a block knows. Flags are bytes; `rows` and `numbers`, of the rows that are there, are packed."""

    client_ids: list[str]
    rows: bytes
    numbers: dict[str, bytes]
    touched: bytes
    is_alone: bytes
    links: dict[int, str | None]
    sends: _Table
    acks: _Table
    reads: dict[str, _Table]
    messages: dict[int, _Message]
    found: dict[int, dict[str, Found]]
    commits: list[_Commit]
    expectations: list[GroupExpectation]
    bare: dict[str, bool]


class Saved(Struct, array_like=True, gc=False):
    """A BlockView, and the waits that it was judged under."""

    waits: Waits
    now: int
    trim_at: int | None
    look_at: int | None
    end: int | None
    block: SavedBlock
    judge: JudgeState


save = msgpack.Encoder().encode
load = msgpack.Decoder(Saved).decode
_NUMBERS = ("first", "last", "window", "due", "link_timestamps")


def of(block: Block) -> SavedBlock:
    """What `fill` takes."""
    rows = block.there()
    return SavedBlock(
        client_ids=block.client_ids,
        rows=pack_numbers(rows),
        numbers={name: pack_numbers(getattr(block, name)[rows]) for name in _NUMBERS},
        touched=block.touched[rows].tobytes(),
        is_alone=block.is_alone[rows].tobytes(),
        links=block.link_correlation_ids,
        sends=_table(block.sends, None),
        acks=_table(block.acks, block.sends),
        reads={group: _table(table, block.sends) for group, table in block.reads.items()},
        messages={offset: _message(message) for offset, message in block.messages.items()},
        found=block.found,
        commits=[_commit(commit) for commit in block.commits()],
        expectations=list(block.expectations.values()),
        bare=block.bare,
    )


def fill(block: Block, saved: SavedBlock, waits: Waits) -> None:
    """Put into an empty block what was saved of another."""
    block.numbers_of(saved.client_ids)
    rows = unpack_numbers(saved.rows)
    if rows.size:
        block.row(block.base + int(rows.max()))
    for name in _NUMBERS:
        getattr(block, name)[rows] = unpack_numbers(saved.numbers[name])
    block.touched[rows] = np.frombuffer(saved.touched, np.bool_)
    block.is_alone[rows] = np.frombuffer(saved.is_alone, np.bool_)
    block.link_correlation_ids = dict(saved.links)
    _put(block.sends, saved.sends, None)
    _put(block.acks, saved.acks, block.sends)
    for group, table in saved.reads.items():
        _put(block.reads_of(group), table, block.sends)
    for one in saved.commits:
        commit = Commit(one.told, deadline_after(one.told.timestamp, waits.own_commit), one.slot)
        commit.written = {number: (revision, _tuple(said)) for number, (revision, said) in one.written.items()}
        block.ids[commit.id] = commit
        block.commits_at.setdefault(commit.offset, []).append(commit)
        block.settlement(commit.group_id).commit(commit)
    for offset, message in saved.messages.items():
        _put_message(block, offset, message, waits)
    block.found = saved.found
    block.expectations = {expectation.group_id: expectation for expectation in saved.expectations}
    block.bare = dict(saved.bare)
    plain = sum(table.count() for table in block.tables()) + int(np.count_nonzero(block.link_timestamps >= 0))
    objects = sum(message.facts() for message in block.messages.values())
    block.facts = plain + objects + len(saved.commits)


def _table(table: TraceTable, sends: TraceTable | None) -> _Table:
    rows = np.flatnonzero(table.nanos)
    nanos, names = table.nanos[rows], table.names(rows)
    since = nanos if sends is None else nanos - sends.nanos[rows]
    is_of_send = sends is not None and names == sends.names(rows)
    row_list = rows.tolist()
    return _Table(
        rows=pack_numbers(rows),
        nanos=pack_numbers(since),
        digits=table.digits[rows].tobytes(),
        timestamps=pack_numbers(table.timestamps[rows] - nanos // NANOS_PER_MILLI),
        clients=pack_numbers(table.clients[rows].astype(np.int64)),
        ids=pack_ids([table.ids[row] for row in row_list]),
        correlation_ids=None if is_of_send else pack_ids(names),
        extras={row: table.extras[row] for row in row_list if row in table.extras},
        states=table.states[rows].tobytes(),
        settled=pack_numbers(table.settled[rows].astype(np.int64)),
    )


def _put(table: TraceTable, saved: _Table, sends: TraceTable | None) -> None:
    rows = unpack_numbers(saved.rows)
    nanos = unpack_numbers(saved.nanos)
    if sends is not None:
        nanos = nanos + sends.nanos[rows]
    table.nanos[rows] = nanos
    table.timestamps[rows] = unpack_numbers(saved.timestamps) + nanos // NANOS_PER_MILLI
    table.clients[rows] = unpack_numbers(saved.clients)
    table.digits[rows] = np.frombuffer(saved.digits, np.uint8)
    table.states[rows] = np.frombuffer(saved.states, np.uint8)
    table.settled[rows] = unpack_numbers(saved.settled)
    table.extras = dict(saved.extras)
    if sends is not None and saved.correlation_ids is None:
        names = sends.names(rows)
    else:
        names = unpack_ids(saved.correlation_ids or [])
    for row, identity, name in zip(rows.tolist(), unpack_ids(saved.ids), names, strict=True):
        table.ids[row] = identity or ""
        table.correlation_ids[row] = name


def _message(message: Message) -> _Message:
    deliveries = {group: [*map(_trace, traces)] for group, traces in message.deliveries.items()}
    acks = [_trace(ack) for ack in message.acks]
    return _Message(message.sends, acks, message.links, deliveries, list(message.windows))


def _trace(trace: JoinedTrace) -> _Trace:
    return _Trace(
        trace.id, trace.nanos, trace.digits, trace.client_id, trace.timestamp, trace.correlation_id, trace.extra,
        trace.revision, None if trace.written is None else list(trace.written),
    )  # fmt: skip


def _put_message(block: Block, offset: int, saved: _Message, waits: Waits) -> None:
    row = block.row(offset)
    block.is_object[row] = True
    message = block.messages[offset] = Message(int(block.first[row]))
    message.last = int(block.last[row])
    message.windows = tuple(saved.windows)
    message.sends = saved.sends
    message.links = saved.links
    message.acks = [_joined(block, ack, waits.hold_ack) for ack in saved.acks]
    for group, traces in saved.deliveries.items():
        message.deliveries[group] = [_joined(block, trace, waits.hold_consume) for trace in traces]
        for delivery in message.deliveries[group]:
            block.settlement(group).deliver(offset, delivery)


def _joined(block: Block, saved: _Trace, hold: int) -> JoinedTrace:
    trace = JoinedTrace(
        saved.id, saved.nanos, saved.digits, saved.client_id, saved.timestamp, saved.correlation_id, saved.extra,
        deadline_after(saved.timestamp, hold),
    )  # fmt: skip
    trace.revision, trace.written = saved.revision, _tuple(saved.written)
    block.ids[trace.id] = trace
    return trace


def _commit(commit: Commit) -> _Commit:
    told = CommitUpTo(
        commit.offset, commit.id, commit.nanos, commit.digits, commit.client_id, commit.timestamp, commit.group_id,
        commit.extra, commit.repeated, commit.is_home, commit.version,
    )  # fmt: skip
    written = {
        number: (revision, None if said is None else list(said)) for number, (revision, said) in commit.written.items()
    }
    return _Commit(told, commit.slot, written)


def _tuple(written: _Written) -> tuple[Any, ...] | None:
    return None if written is None else tuple(written)
