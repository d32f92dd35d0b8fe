"""Restarts: one finding for each partition whose log restarted, of the positions that held two messages.

In: findings of positions, from blocks. Out: per partition the finding about the position whose second message came
first, written again when that is another one, and resolved when none is left.
"""

from collections.abc import Iterator
from typing import Any

from transforms.dates import nanos_of
from transforms.findings import LOG_RESTARTED

Value = dict[str, Any]


class Restarts:
    """See the head of this file."""

    def __init__(self) -> None:
        #: By partition and offset.
        self._open: dict[int, dict[int, Value]] = {}
        self._told: dict[int, Value] = {}
        self._touched: dict[int, None] = {}

    def found(self, value: Value) -> None:
        """A finding of a position, or that it no longer holds."""
        partition, offset = value["partition"], value["offset"]
        held = self._open.setdefault(partition, {})
        if "resolved" in value:
            held.pop(offset, None)
        else:
            held[offset] = value
        self._touched[partition] = None

    def tell(self) -> Iterator[Value]:
        """The findings of partitions that changed."""
        for partition in self._touched:
            held = self._open[partition].values()
            first = min(held, key=lambda value: (nanos_of(value["date"]), value["offset"]), default=None)
            told = self._told.pop(partition, None)
            if first is not None:
                self._told[partition] = first
            if first is not None and first != told:
                yield _of_partition(first)
            elif first is None and told is not None:
                yield {**_of_partition(told), "resolved": True}
            if first is None:
                del self._open[partition]
        self._touched = {}

    def facts(self) -> int:
        """Positions held."""
        return sum(map(len, self._open.values()))

    def state(self) -> list[Value]:
        """What `found` takes to build this again."""
        return [value for held in self._open.values() for value in held.values()]


def _of_partition(value: Value) -> Value:
    return {**value, "id": f"{LOG_RESTARTED}:{value['topic']}:{value['partition']}"}
