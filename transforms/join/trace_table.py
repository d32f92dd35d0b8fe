"""TraceTable: the traces of one kind in a block, at most one at each offset, in columns."""

from typing import Any

import numpy as np
import numpy.typing as npt

from transforms.input.dates import NANOS_PER_MILLI
from transforms.state.facts import Int64s, TraceColumns

Rows = npt.NDArray[np.intp]
Flags = npt.NDArray[np.bool_]

#: States of a trace: it waits for its SEND; it was written with it; it was written without it.
HELD, WRITTEN, ALONE = 1, 2, 3
#: The slot of no commit.
UNSETTLED = -1

_COLUMNS = ("nanos", 0), ("timestamps", 0), ("clients", 0), ("digits", 0), ("states", 0), ("settled", UNSETTLED)


class TraceTable:
    """See the head of this file. A row is an offset, less the first of the block; without a trace its date is 0.

    `settled` are the slots of the commits that settle the traces, if these are CONSUMEs.
    """

    __slots__ = (
        "clients", "correlation_ids", "digits", "extras", "ids", "nanos", "settled", "states", "timestamps",
    )  # fmt: skip

    def __init__(self, capacity: int) -> None:
        self.nanos: Int64s = np.zeros(capacity, np.int64)
        self.timestamps: Int64s = np.zeros(capacity, np.int64)
        self.clients: npt.NDArray[np.int32] = np.zeros(capacity, np.int32)
        self.digits: npt.NDArray[np.uint8] = np.zeros(capacity, np.uint8)
        self.states: npt.NDArray[np.uint8] = np.zeros(capacity, np.uint8)
        self.settled: npt.NDArray[np.int32] = np.full(capacity, UNSETTLED, np.int32)
        self.ids: list[str] = [""] * capacity
        self.correlation_ids: list[str | None] = [None] * capacity
        self.extras: dict[int, dict[str, Any]] = {}

    def grow(self, capacity: int) -> None:
        """Have room for so many rows."""
        more = capacity - len(self.ids)
        for name, nothing in _COLUMNS:
            setattr(self, name, np.pad(getattr(self, name), (0, more), constant_values=nothing))
        self.ids += [""] * more
        self.correlation_ids += [None] * more

    def put(self, rows: Rows, items: Rows | None, columns: TraceColumns, clients: Rows) -> None:
        """Put these items of the columns (all: None) into these rows; `clients` are their numbers in the block."""
        pick: Any = slice(None) if items is None else items
        self.nanos[rows] = np.frombuffer(columns.nanos, np.int64)[pick]
        self.timestamps[rows] = np.frombuffer(columns.timestamps, np.int64)[pick]
        self.clients[rows] = clients[pick]
        self.digits[rows] = np.frombuffer(columns.digits, np.uint8)[pick]
        self.states[rows] = HELD
        own_ids, own_correlations = self.ids, self.correlation_ids
        row_list = rows.tolist()
        item_list = range(len(columns)) if items is None else items.tolist()
        ids = columns.ids
        for row, item in zip(row_list, item_list, strict=True):
            own_ids[row] = ids[item]
        if columns.correlation_ids is not None:
            correlations = columns.correlation_ids
            for row, item in zip(row_list, item_list, strict=True):
                own_correlations[row] = correlations[item]
        if columns.extras is not None:
            for row, item in zip(row_list, item_list, strict=True):
                if item in columns.extras:
                    self.extras[row] = columns.extras[item]

    def clear(self, rows: Rows) -> None:
        """Forget the traces of these rows."""
        self.nanos[rows] = 0
        self.states[rows] = 0
        self.settled[rows] = UNSETTLED
        for row in rows.tolist():
            self.ids[row] = ""
            self.correlation_ids[row] = None
            self.extras.pop(row, None)

    def count(self) -> int:
        """How many traces there are."""
        return int(np.count_nonzero(self.nanos))

    def held(self) -> Rows:
        """The rows of traces that wait for their SEND."""
        rows: Rows = (self.states == HELD).nonzero()[0]
        return rows

    def held_until(self, latest: int) -> Rows:
        """The rows of traces that wait for their SEND and have a timestamp (ms) up to this one."""
        return np.flatnonzero((self.states == HELD) & (self.timestamps <= latest))

    def names(self, rows: Rows) -> list[str | None]:
        """The correlationIds of these rows."""
        own = self.correlation_ids
        return [own[row] for row in rows.tolist()]


def durations_ms(starts: Int64s, ends: Int64s) -> Int64s:
    """What `duration_ms` says of each pair of instants (ns)."""
    elapsed = ends - starts
    return np.where(elapsed >= 0, elapsed // NANOS_PER_MILLI, -(-elapsed // NANOS_PER_MILLI))
