"""Columns that grow at one end and shrink at the other: arrays of one length with room to spare."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]
_SMALLEST = 64
#: Arrays are at most so many times larger than what is in them, once something was dropped.
_MOST_ROOM = 4


class Columns:
    """Columns of these types. `of(n)` is the n-th as an array, valid until the next change."""

    __slots__ = ("_arrays", "_end", "_start")

    def __init__(self, *types: Any) -> None:
        self._arrays: list[Array] = [np.empty(0, kind) for kind in types]
        self._start = self._end = 0

    def __len__(self) -> int:
        return self._end - self._start

    def of(self, column: int) -> Array:
        """One of the columns."""
        return self._arrays[column][self._start : self._end]

    def append(self, *more: Array) -> None:
        """Add rows at the end."""
        added, length = len(more[0]), len(self)
        if self._end + added > len(self._arrays[0]):
            room = max(2 * (length + added), _SMALLEST)
            for place, array in enumerate(self._arrays):
                larger = np.empty(room, array.dtype)
                larger[:length] = array[self._start : self._end]
                self._arrays[place] = larger
            self._start, self._end = 0, length
        for array, rows in zip(self._arrays, more, strict=True):
            array[self._end : self._end + added] = rows
        self._end += added

    def drop(self, rows: int) -> None:
        """Forget so many rows at the start."""
        self._start += rows
        if len(self._arrays[0]) > max(_MOST_ROOM * len(self), _SMALLEST):
            self._arrays = [array[self._start : self._end].copy() for array in self._arrays]
            self._start, self._end = 0, len(self)

    def save(self) -> list[bytes]:
        """The bytes of all columns."""
        return [self.of(column).tobytes() for column in range(len(self._arrays))]

    def load(self, saved: Sequence[bytes]) -> None:
        """Be what was saved."""
        self._arrays = [
            np.frombuffer(each, array.dtype).copy() for each, array in zip(saved, self._arrays, strict=True)
        ]
        self._start, self._end = 0, len(self._arrays[0])

    def nbytes(self) -> int:
        """Bytes in memory."""
        return sum(array.nbytes for array in self._arrays)
