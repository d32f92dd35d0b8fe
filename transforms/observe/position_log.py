"""PositionLog: when the records of a partition were written, by offset, in few bytes.

Young records have a row each: offset and time, 16 bytes. What is older than `_EXACT_MS` is kept by the second: one row
of 16 bytes for neighbours of one second, with their number. So a latency up to 100 s is exact; beyond it a second is
below 1 % of it, and `latencies` counts by the second whether the rows are merged already or not.
"""

import numpy as np
import numpy.typing as npt
from msgspec import Struct

from transforms.observe.columns import Columns

Int64s = npt.NDArray[np.int64]

_EXACT_MS = 100_000
_SECOND_MS = 1000
_LATEST_SECOND = 2**32 - 1


class SavedLog(Struct, array_like=True, gc=False):
    """A PositionLog in a snapshot."""

    recent: list[bytes]
    older: list[bytes]
    floor: int | None
    end: int


class PositionLog:
    """See the head of this file. Times are in ms.

    `end` is the offset up to which the partition was read. From `floor` on all records are known; None: none is known.
    """

    def __init__(self) -> None:
        self.floor: int | None = None
        self.end = 0
        self._recent = Columns(np.int64, np.int64)
        self._older = Columns(np.int64, np.uint32, np.uint32)

    def __len__(self) -> int:
        """How many rows there are."""
        return len(self._recent) + len(self._older)

    def add(self, offsets: Int64s, times: Int64s, next_offset: int) -> None:
        """Take in records that lie at or after `end`, in order, and that the partition was read up to `next_offset`.

        Of records that lie before it nothing is taken in: they are known.
        """
        known = int(np.searchsorted(offsets, self.end))
        offsets, times = offsets[known:], times[known:]
        if self.floor is None:
            self.floor = int(offsets[0]) if len(offsets) else next_offset
        self._recent.append(offsets, times)
        self.end = max(self.end, next_offset)

    def thin(self, now: int) -> None:
        """Merge what is old enough."""
        rows = self._before(now - _EXACT_MS)
        if not rows:
            return
        offsets = self._recent.of(0)[:rows]
        seconds = np.minimum(self._recent.of(1)[:rows] // _SECOND_MS, _LATEST_SECOND)
        starts = np.flatnonzero(np.diff(seconds, prepend=seconds[0] - 1))
        counts = np.diff(starts, append=rows)
        known = len(self._older)
        if known and self._older.of(1)[-1] == seconds[0]:
            self._older.of(2)[-1] += counts[0]
            starts, counts = starts[1:], counts[1:]
        self._older.append(offsets[starts], seconds[starts], counts)
        self._recent.drop(rows)

    def forget(self, before: int) -> None:
        """Forget the records at the start that are older than this time."""
        old = self._older.of(1).astype(np.int64) * _SECOND_MS < before
        rows = len(old) if old.all() else int(np.argmin(old))
        self._older.drop(rows)
        young = 0
        if not len(self._older):
            young = self._before(before)
            self._recent.drop(young)
        if rows or young:
            self.floor = self._first()

    def latencies(self, start: int, end: int, until: int) -> tuple[Int64s, Int64s]:
        """Of the records from one offset to before another: the distinct times (ms) until `until`, how many have each.

        Above 100 s by the second: see the head of this file.
        """
        rows, weights = self._older_rows(start, end)
        older = self._older.of(1)[rows].astype(np.int64) * _SECOND_MS
        offsets = self._recent.of(0)
        first, last = np.searchsorted(offsets, (start, end))
        recent = self._recent.of(1)[first:last]
        exact = until - recent
        recent = np.where(exact > _EXACT_MS, until - recent // _SECOND_MS * _SECOND_MS, exact)
        latencies, places = np.unique(np.concatenate([until - older, recent]), return_inverse=True)
        numbers = np.concatenate([weights, np.ones(len(recent), np.int64)])
        counts = np.bincount(places, numbers, len(latencies)).astype(np.int64)
        return latencies[counts > 0], counts[counts > 0]

    def count_from(self, offset: int) -> int:
        """How many of the known records lie at this offset or after it."""
        _, weights = self._older_rows(offset, self.end)
        return int(weights.sum()) + len(self._recent) - int(np.searchsorted(self._recent.of(0), offset))

    def oldest_from(self, offset: int) -> int | None:
        """The time of the first known record at this offset or after it."""
        rows, weights = self._older_rows(offset, self.end)
        found = np.flatnonzero(weights)
        if len(found):
            return int(self._older.of(1)[rows][found[0]]) * _SECOND_MS
        place = int(np.searchsorted(self._recent.of(0), offset))
        return int(self._recent.of(1)[place]) if place < len(self._recent) else None

    def save(self) -> SavedLog:
        """All of it."""
        return SavedLog(self._recent.save(), self._older.save(), self.floor, self.end)

    def load(self, saved: SavedLog) -> None:
        """Be what was saved."""
        self._recent.load(saved.recent)
        self._older.load(saved.older)
        self.floor, self.end = saved.floor, saved.end

    def nbytes(self) -> int:
        """Bytes in memory."""
        return self._recent.nbytes() + self._older.nbytes()

    def oldest(self) -> int | None:
        """The time of the first known record."""
        return None if self.floor is None else self.oldest_from(self.floor)

    def _before(self, time: int) -> int:
        """How many recent rows at the start are older than this time."""
        old = self._recent.of(1) < time
        return len(old) if old.all() else int(np.argmin(old))

    def _older_rows(self, start: int, end: int) -> tuple[slice, Int64s]:
        """The merged rows that have records from one offset to before another, and how many of these each has.

        Where a row is cut its records are taken to have no gaps between them.
        """
        offsets = self._older.of(0)
        first = max(int(np.searchsorted(offsets, start, "right")) - 1, 0)
        rows = slice(first, max(int(np.searchsorted(offsets, end)), first))
        starts, counts = offsets[rows], self._older.of(2)[rows].astype(np.int64)
        below_start, below_end = (np.minimum(np.maximum(each - starts, 0), counts) for each in (start, end))
        return rows, below_end - below_start

    def _first(self) -> int:
        """The offset of the first row; the end if there is none."""
        for rows in (self._older, self._recent):
            if len(rows):
                return int(rows.of(0)[0])
        return self.end
