"""Clock bounds: how far one client's clock can be ahead of another's, by the messages of one block and window.

A message was read after it was sent: clock of the reader - of the sender <= CONSUME - SEND. Of two messages the first
was in the log before the second was acknowledged: clock of the second's sender - of the first's <= ACK of the second -
SEND of the first.
"""

from collections.abc import Iterable

import numpy as np

from transforms.input.dates import NANOS_PER_MILLI
from transforms.join.block import Block
from transforms.join.block_facts import JoinedTrace, Message
from transforms.join.trace_table import Rows
from transforms.state.facts import Int64s

#: `(of, over)` -> ms: the clock of `of` is at most so far ahead of that of `over`.
Bounds = dict[tuple[str, str], int]


def clock_bounds(block: Block, rows: Rows, others: Iterable[tuple[int, Message]]) -> Bounds:
    """The bounds by plain messages that have a SEND, and by others with their offsets, in order of these."""
    sends, acks = block.sends, block.acks
    tightest: dict[tuple[int, int], int] = {}
    #: Row, date and client of the SEND, date (0: none) and client of the ACK.
    told = [np.stack([rows, sends.nanos[rows], sends.clients[rows], acks.nanos[rows], acks.clients[rows]], axis=1)]
    for offset, message in others:
        sent = message.sent()
        if sent is None:
            continue
        sender = _number(block, sent.client_id)
        ack = message.acks[0] if message.acks else None
        acked = (0, 0) if ack is None else (ack.nanos, _number(block, ack.client_id))
        told.append(np.array([[offset - block.base, sent.nanos, sender, *acked]]))
        for deliveries in message.deliveries.values():
            read: JoinedTrace = deliveries[0]
            one = (np.array([each]) for each in (_number(block, read.client_id), sender, read.nanos - sent.nanos))
            _tighten(tightest, *one)
    for reads in block.reads.values():
        read_rows = rows[reads.nanos[rows] != 0]
        elapsed = reads.nanos[read_rows] - sends.nanos[read_rows]
        _tighten(tightest, reads.clients[read_rows], sends.clients[read_rows], elapsed)
    messages = np.concatenate(told)
    messages = messages[np.argsort(messages[:, 0], kind="stable")]
    _, sent_at, senders, acked_at, ackers = messages.T
    after = np.flatnonzero(acked_at[1:]) + 1
    _tighten(tightest, ackers[after], senders[after - 1], acked_at[after] - sent_at[after - 1])
    names = block.client_ids
    return {(names[of], names[over]): -(-elapsed // NANOS_PER_MILLI) for (of, over), elapsed in tightest.items()}


def _number(block: Block, client_id: str) -> int:
    return int(block.numbers_of([client_id])[0])


def _tighten(tightest: dict[tuple[int, int], int], of: Rows, over: Rows, elapsed: Int64s) -> None:
    """Keep the lowest time (ns) of each pair of different clients."""
    if not len(of):
        return
    pairs = of.astype(np.int64) << 32 | over
    for pair in np.unique(pairs).tolist():
        one, other = pair >> 32, pair & 0xFFFFFFFF
        if one != other:
            lowest = int(elapsed[pairs == pair].min())
            tightest[one, other] = min(lowest, tightest.get((one, other), lowest))
