"""Which plain messages are healthy: seen in the columns, there is nothing to say of them, now or later, as they are.

It may call a healthy message not healthy, which costs only time; never the reverse (docs/verdicts.md has the rules).
"""

from collections.abc import Iterable

import numpy as np

from transforms.input.dates import NANOS_PER_MILLI
from transforms.input.records import HEADER_READER, NO_GROUP
from transforms.join.block import Block
from transforms.join.trace_table import UNSETTLED, Flags, Rows, TraceTable
from transforms.state.waits import Waits


def healthy(block: Block, rows: Rows, waits: Waits, groups: Iterable[str], *, is_compacted: bool) -> Flags:
    """Whether the message of each of these rows is. `groups` are all that read or pass here."""
    if block.exact:
        return np.zeros(len(rows), np.bool_)
    sends, acks = block.sends, block.acks
    fine: Flags = ~block.is_object[rows] & (sends.nanos[rows] != 0) & _is_answered(block, rows)
    fine &= ~_is_odd(acks, sends, rows, waits.hold_ack)
    if block.found and rows.size:
        fine &= ~np.isin(rows, np.array([offset - block.base for offset in block.found]))
    produced = sends.nanos[rows] // NANOS_PER_MILLI
    reader = block.expectations.get(HEADER_READER)
    if reader is not None and not is_compacted:
        expected = (rows + block.base >= reader.start) & (acks.nanos[rows] != 0)
        fine &= ~expected | (block.link_timestamps[rows] >= 0)
    for group in groups:
        reads = block.reads.get(group)
        is_read = np.zeros(len(rows), np.bool_)
        if reads is not None:
            is_read = reads.nanos[rows] != 0
            fine &= ~_is_odd(reads, sends, rows, waits.hold_consume) & _is_settled(block, group, reads, rows, waits)
        expectation = block.expectations.get(group)
        if expectation is not None:
            expected = (rows + block.base >= expectation.start) & (produced <= expectation.until)
            fine &= is_read | ~expected
    return fine


def _is_answered(block: Block, rows: Rows) -> Flags:
    """Whether the producer was told what became of its SEND, or asks for nothing."""
    answered: Flags = block.acks.nanos[rows] != 0
    silent = [client for client, places in block.bare.items() if not places]
    if silent:
        answered |= np.isin(block.sends.clients[rows], block.numbers_of(silent))
    return answered


def _is_odd(table: TraceTable, sends: TraceTable, rows: Rows, hold: int) -> Flags:
    """Whether a trace is of before its SEND, or its SEND came after it had been written."""
    is_before = table.nanos[rows] < sends.nanos[rows]
    is_late = sends.timestamps[rows] > table.timestamps[rows] + hold
    odd: Flags = (table.nanos[rows] != 0) & (is_before | is_late)
    return odd


def _is_settled(block: Block, group: str, reads: TraceTable, rows: Rows, waits: Waits) -> Flags:
    """Whether each delivery, if there is one, was committed in time, or its group commits nothing."""
    slots = reads.settled[rows]
    fine: Flags = reads.nanos[rows] == 0
    if group == NO_GROUP or not block.commits_seen(group):
        fine |= slots == UNSETTLED
    settled = slots != UNSETTLED
    if settled.any():
        committed = block.settlements[group].timestamps()[slots]
        fine |= settled & (reads.timestamps[rows] <= committed + waits.own_commit)
    return fine
