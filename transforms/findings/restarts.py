"""Restarts: one finding for each partition whose log restarted, of the positions that held two messages.

In: findings of positions, from blocks. Out: per partition the finding about the position whose second message came
first, written again when that is another one, and resolved when none is left.
"""

from collections.abc import Iterator
from typing import Any

from transforms.findings.findings import LOG_RESTARTED
from transforms.input.dates import nanos_of

Value = dict[str, Any]


class Restarts:
    """See the head of this file."""

    def __init__(self) -> None:
        #: By partition and offset.
        self._open: dict[int, dict[int, Value]] = {}
        self._emitted: dict[int, Value] = {}
        self._dirty: dict[int, None] = {}

    def found(self, value: Value) -> None:
        """A finding of a position, or that it no longer holds."""
        partition, offset = value["partition"], value["offset"]
        held = self._open.setdefault(partition, {})
        if "resolved" in value:
            held.pop(offset, None)
        else:
            held[offset] = value
        self._dirty[partition] = None

    def changed(self) -> Iterator[Value]:
        """The findings of partitions, of those that changed since this was asked last."""
        for partition in self._dirty:
            held = self._open[partition].values()
            first = min(held, key=lambda value: (nanos_of(value["date"]), value["offset"]), default=None)
            last = self._emitted.pop(partition, None)
            if first is not None:
                self._emitted[partition] = first
            if first is not None and first != last:
                yield _of_partition(first)
            elif first is None and last is not None:
                yield {**_of_partition(last), "resolved": True}
            if first is None:
                del self._open[partition]
        self._dirty = {}

    def size(self) -> int:
        """Positions held."""
        return sum(map(len, self._open.values()))

    def values(self) -> list[Value]:
        """All open findings of positions."""
        return [value for held in self._open.values() for value in held.values()]

    def restore(self, values: list[Value]) -> None:
        """Hold these findings of positions, and know that those of their partitions are written."""
        for value in values:
            self.found(value)
        for _ in self.changed():
            """It is written."""


def _of_partition(value: Value) -> Value:
    return {**value, "id": f"{LOG_RESTARTED}:{value['topic']}:{value['partition']}"}
