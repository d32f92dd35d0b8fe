"""Totals: the sum of the tallies of many sources, each of which may replace its own.

A tally is a JSON object: its numbers (true counts 1) are summed, its lists are LatencySketches and merged. Tallies are
kept as bytes and the sums beside them, so a replacement costs what one tally costs, however many there are; and only
when a sum is asked for, since many are replaced between two records.
"""

from collections.abc import Iterator
from typing import Any

import orjson

from transforms.json_bytes import dump
from transforms.latency_sketch import LatencySketch

Tally = dict[str, Any]
#: What a tally comes from: a block of a partition, or a shard.
Source = tuple[Any, ...]

#: Rough size in memory of a bin of a live sketch.
_BYTES_PER_BIN = 100


class Totals:
    """See the head of this file."""

    __slots__ = ("_behind", "_numbers", "_parts", "_sketches", "_stored")

    def __init__(self) -> None:
        self._parts: dict[Source, bytes] = {}
        self._stored = 0
        #: What the sums hold of the sources whose tally is another one now.
        self._behind: dict[Source, bytes] = {}
        self._numbers: dict[str, int] = {}
        self._sketches: dict[str, LatencySketch] = {}

    def __bool__(self) -> bool:
        """Whether there is any tally."""
        return bool(self._parts)

    def __getitem__(self, name: str) -> int:
        """The sum of the numbers of this name."""
        self._catch_up()
        return self._numbers.get(name, 0)

    def summary(self, name: str) -> dict[str, Any] | None:
        """What is published of the latencies of this name; None if there are none."""
        self._catch_up()
        sketch = self._sketches.get(name)
        return sketch.summary() if sketch else None

    def replace(self, source: Source, tally: Tally | None) -> bool:
        """Put a tally in the place of the source's former one, or withdraw that; whether it is another one."""
        old = self._parts.pop(source, b"")
        new = b""
        if tally is not None:
            new = self._parts[source] = dump(tally)
        self._stored += len(new) - len(old)
        if new != old:
            self._behind.setdefault(source, old)
        return new != old

    def parts(self) -> Iterator[tuple[Source, Tally]]:
        """All tallies."""
        return ((source, orjson.loads(part)) for source, part in self._parts.items())

    def size(self) -> int:
        """Rough size in memory, in bytes."""
        return self._stored + _BYTES_PER_BIN * (len(self._parts) + sum(s.bins() for s in self._sketches.values()))

    def _catch_up(self) -> None:
        """Bring the sums up to date."""
        behind, self._behind = self._behind, {}
        unsure: set[str] = set()
        for source, old in behind.items():
            part = self._parts.get(source)
            tally: Tally = orjson.loads(part) if part else {}
            former: Tally = orjson.loads(old) if old else {}
            self._put(tally)
            unsure |= self._take_out(former, tally)
        # Only now are the sums those of the tallies.
        for name in unsure & self._sketches.keys():
            total, left = self._sketches[name], [some for _, tally in self.parts() if (some := tally.get(name))]
            total.min = min(low for low, *_ in left)
            total.max = max(high for _, high, *_ in left)

    def _put(self, tally: Tally) -> None:
        for name, value in tally.items():
            if isinstance(value, list):
                self._sketches.setdefault(name, LatencySketch()).merge(LatencySketch.from_json(value))
            elif value is not None:
                self._numbers[name] = self._numbers.get(name, 0) + value

    def _take_out(self, tally: Tally, successor: Tally) -> set[str]:
        """Take a tally out; the names of the latencies whose min or max may have gone with it."""
        unsure = set()
        for name, value in tally.items():
            if isinstance(value, list):
                if self._take_out_sketch(name, LatencySketch.from_json(value), successor.get(name) or []):
                    unsure.add(name)
            elif value is not None:
                self._numbers[name] -= value
        return unsure

    def _take_out_sketch(self, name: str, sketch: LatencySketch, successor: list[Any]) -> bool:
        if not sketch.count:
            return False
        total = self._sketches[name]
        total.take_out(sketch)
        if not total.count:
            del self._sketches[name]
            return False
        low, high = successor[:2] or (sketch.min + 1, sketch.max - 1)
        return (sketch.min == total.min and low > sketch.min) or (sketch.max == total.max and high < sketch.max)
