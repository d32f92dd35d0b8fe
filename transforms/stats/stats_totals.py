"""Totals: the sum of the tallies of many sources, each of which may replace its own.

The numbers of tallies are added, their LatencySketches are merged. Tallies are kept as bytes and their sum beside them,
so a replacement costs what one tally costs, however many there are; and only when the sum is asked for, since many are
replaced between two records.
"""

from collections.abc import Iterator
from functools import lru_cache
from typing import Any, Generic, TypeVar

from msgspec import Raw, Struct, msgpack

from transforms.stats.latency_sketch import LatencySketch
from transforms.stats.stats_facts import BlockPlace

Tally = TypeVar("Tally", bound=Struct)
#: What a tally comes from: a block of a partition, or a shard.
Origin = BlockPlace | str

#: Rough size in memory of a bin of a live sketch.
_BYTES_PER_BIN = 100

_encode = msgpack.Encoder().encode


class Totals(Generic[Tally]):
    """See the head of this file. `kind` is the type of the tallies."""

    __slots__ = ("_behind", "_decode", "_kind", "_parts", "_stored", "_sum")

    def __init__(self, kind: type[Tally]) -> None:
        self._kind = kind
        self._decode = _decoder(kind).decode
        self._parts: dict[Origin, bytes] = {}
        self._stored = 0
        #: What the sum holds of the sources whose tally is another one now.
        self._behind: dict[Origin, bytes] = {}
        self._sum = kind()

    def __bool__(self) -> bool:
        """Whether there is any tally."""
        return bool(self._parts)

    def sum(self) -> Tally:
        """A tally of all."""
        self._catch_up()
        return self._sum

    def replace(self, origin: Origin, tally: Tally | None) -> bool:
        """Put a tally in the place of the former one of this origin, or withdraw that; whether it is another one."""
        old = self._parts.pop(origin, b"")
        new = b""
        if tally is not None:
            new = self._parts[origin] = _encode(tally)
        self._stored += len(new) - len(old)
        is_same = new == old or (tally is not None and bool(old) and self._decode(old) == tally)  # bins in any order
        if not is_same:
            self._behind.setdefault(origin, old)
        return not is_same

    def parts(self) -> Iterator[tuple[Origin, Raw]]:
        """All tallies, encoded."""
        return ((origin, Raw(part)) for origin, part in self._parts.items())

    def restore(self, origin: Origin, part: Raw) -> Tally:
        """A tally of `parts`."""
        tally: Tally = self._decode(part)
        self.replace(origin, tally)
        return tally

    def size(self) -> int:
        """Rough size in memory, in bytes."""
        sketches: list[LatencySketch] = [getattr(self._sum, name) for name in _sketches(self._kind)]
        bins = sum(sketch.bins() for sketch in sketches)
        return self._stored + _BYTES_PER_BIN * (len(self._parts) + bins)

    def _catch_up(self) -> None:
        """Bring the sum up to date."""
        behind, self._behind = self._behind, {}
        unsure: set[str] = set()
        for origin, old in behind.items():
            part = self._parts.get(origin)
            tally = self._decode(part) if part else self._kind()
            former = self._decode(old) if old else self._kind()
            for name in _numbers(self._kind):
                change = getattr(tally, name) - getattr(former, name)
                setattr(self._sum, name, getattr(self._sum, name) + change)
            for name in _sketches(self._kind):
                if _replace(getattr(self._sum, name), getattr(former, name), getattr(tally, name)):
                    unsure.add(name)
        # Only now is the sum that of the tallies.
        for name in unsure:
            tallies = map(self._decode, self._parts.values())
            left: list[LatencySketch] = [sketch for tally in tallies if (sketch := getattr(tally, name)).count]
            total: LatencySketch = getattr(self._sum, name)
            total.min = min((sketch.min for sketch in left), default=0)
            total.max = max((sketch.max for sketch in left), default=0)


def _replace(total: LatencySketch, former: LatencySketch, successor: LatencySketch) -> bool:
    """Put one sketch in the place of another; whether the min or the max of the sum may have gone with it."""
    total.merge(successor)
    if not former.count:
        return False
    total.take_out(former)
    if not total.count:
        return False
    low, high = (successor.min, successor.max) if successor.count else (former.min + 1, former.max - 1)
    return (former.min == total.min and low > former.min) or (former.max == total.max and high < former.max)


@lru_cache
def _decoder(kind: type[Tally]) -> msgpack.Decoder[Tally]:
    return msgpack.Decoder(kind)


@lru_cache
def _numbers(kind: type[Struct]) -> tuple[str, ...]:
    """The fields that are added."""
    return tuple(name for name, value in _fields_of(kind) if isinstance(value, int))


@lru_cache
def _sketches(kind: type[Struct]) -> tuple[str, ...]:
    """The fields that are merged."""
    return tuple(name for name, value in _fields_of(kind) if isinstance(value, LatencySketch))


def _fields_of(kind: type[Struct]) -> list[tuple[str, Any]]:
    empty = kind()
    return [(name, getattr(empty, name)) for name in kind.__struct_fields__]
