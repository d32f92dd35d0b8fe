"""LatencySketch: a distribution of latencies in whole milliseconds, which may be negative, that can be merged.

Exact: count, sum, min, max. Within 1 %: quantiles, by DDSketch. Bins, quantiles and the serialized form are those of
the ddsketch library, whose mapping and protobuf we use. Its sketch we do not: it keeps every bin between the lowest and
the highest (we keep about a hundred that are used), its `merge` loses the sum, its `add` takes three times as long, and
its serialized form has neither min, max nor sum.
"""

from base64 import b64encode
from bisect import bisect_right
from functools import lru_cache
from itertools import accumulate
from typing import Any

import numpy as np
import numpy.typing as npt
from ddsketch.ddsketch import BaseDDSketch
from ddsketch.mapping import LogarithmicMapping
from ddsketch.pb.proto import DDSketchProto
from ddsketch.store import DenseStore
from msgspec import Struct

RELATIVE_ACCURACY = 0.01
PERCENTS = (50, 90, 95, 99)
#: Below this many milliseconds 1 % is less than half of one, so the nearest whole millisecond is the exact value.
_EXACT_BELOW = 50

_MAPPING = LogarithmicMapping(RELATIVE_ACCURACY)

#: `[min, max, sum, zeros, [key, n, ...] of positive latencies, the same of negative ones]`, keys rising; empty: `[]`.
SketchJson = list[Any]


@lru_cache(maxsize=65536)
def _key(magnitude: int) -> int:
    """The bin of a latency of at least 1 ms; traffic has few different ones, so this is mostly a look-up."""
    return int(_MAPPING.key(magnitude))


class LatencySketch(Struct, array_like=True, gc=False):
    """See the head of this file. Equal latencies give equal sketches, in whatever order they were added or merged."""

    count: int = 0
    sum: int = 0
    min: int = 0
    max: int = 0
    zeros: int = 0
    positive: dict[int, int] = {}
    negative: dict[int, int] = {}

    def add(self, ms: int, times: int = 1) -> None:
        """Add a latency, so many times."""
        if ms > 0:
            key = _key(ms)
            self.positive[key] = self.positive.get(key, 0) + times
        elif ms < 0:
            key = _key(-ms)
            self.negative[key] = self.negative.get(key, 0) + times
        else:
            self.zeros += times
        if not self.count or ms < self.min:
            self.min = ms
        if not self.count or ms > self.max:
            self.max = ms
        self.count += times
        self.sum += ms * times

    def add_all(self, latencies: npt.NDArray[np.int64]) -> None:
        """Add many latencies."""
        for ms, times in zip(*(each.tolist() for each in np.unique(latencies, return_counts=True)), strict=True):
            self.add(ms, times)

    def merge(self, other: "LatencySketch") -> None:
        """Add all latencies of another sketch."""
        if not other.count:
            return
        self.min = min(self.min, other.min) if self.count else other.min
        self.max = max(self.max, other.max) if self.count else other.max
        self._shift(other, 1)

    def take_out(self, other: "LatencySketch") -> None:
        """Undo the merge of another sketch. `min` and `max` stay: bins do not know them, the caller may set them."""
        self._shift(other, -1)

    def bins(self) -> int:
        """How many bins are used: the measure of its size in memory."""
        return len(self.positive) + len(self.negative)

    def quantiles(self, *percents: int) -> list[float]:
        """For each percent, the latency at index `(count - 1) * percent // 100` of all in rising order; within 1 %.

        Indexes count from 0. This is the rank of the ddsketch library too, so that readers of the serialized form get
        the same. There must be a latency.
        """
        steps = [(-1, key, self.negative[key]) for key in sorted(self.negative, reverse=True)]
        steps += [(0, 0, self.zeros)] if self.zeros else []
        steps += [(1, key, self.positive[key]) for key in sorted(self.positive)]
        ends = list(accumulate([count for *_, count in steps]))
        found = (steps[bisect_right(ends, (self.count - 1) * percent // 100)] for percent in percents)
        return [min(max(_latency(sign, key), self.min), self.max) for sign, key, _ in found]

    def summary(self) -> dict[str, Any] | None:
        """What is published: count, min, avg, max, quantiles, and the DDSketch in base64; None if there is nothing."""
        if not self.count:
            return None
        quantiles = {f"p{percent}": ms for percent, ms in zip(PERCENTS, self.quantiles(*PERCENTS), strict=True)}
        average = round(self.sum / self.count, 3)
        summary = {"count": self.count, "min": self.min, "avg": average, "max": self.max, **quantiles}
        return summary | {"sketch": b64encode(self.to_proto()).decode()}

    def to_proto(self) -> bytes:
        """The serialized protobuf message `DDSketch` of the ddsketch libraries (Java, Go, JavaScript, Python)."""
        sketch = BaseDDSketch(_MAPPING, _store(self.positive), _store(self.negative), self.zeros)
        message: bytes = DDSketchProto.to_proto(sketch).SerializeToString()
        return message

    def as_json(self) -> SketchJson:
        """See SketchJson."""
        if not self.count:
            return []
        return [self.min, self.max, self.sum, self.zeros, _pairs(self.positive), _pairs(self.negative)]

    @classmethod
    def from_json(cls, json: SketchJson) -> "LatencySketch":
        """The sketch that gave this JSON."""
        sketch = cls()
        if json:
            sketch.min, sketch.max, sketch.sum, sketch.zeros, positive, negative = json
            sketch.positive = dict(zip(positive[::2], positive[1::2], strict=True))
            sketch.negative = dict(zip(negative[::2], negative[1::2], strict=True))
            sketch.count = sketch.zeros + sum(sketch.positive.values()) + sum(sketch.negative.values())
        return sketch

    def _shift(self, other: "LatencySketch", sign: int) -> None:
        self.count += sign * other.count
        self.sum += sign * other.sum
        self.zeros += sign * other.zeros
        for mine, theirs in ((self.positive, other.positive), (self.negative, other.negative)):
            for key, count in theirs.items():
                left = mine.get(key, 0) + sign * count
                if left:
                    mine[key] = left
                else:
                    del mine[key]


def _latency(sign: int, key: int) -> float:
    """The latency that a bin stands for."""
    value = sign * float(_MAPPING.value(key)) if sign else 0.0
    return round(value) if abs(value) < _EXACT_BELOW else value


def _pairs(bins: dict[int, int]) -> list[int]:
    return [number for key in sorted(bins) for number in (key, bins[key])]


def _store(bins: dict[int, int]) -> DenseStore:
    """The bins as the library writes and reads them: it knows only contiguous ones."""
    store = DenseStore()
    if bins:
        store.offset = min(bins)
        store.bins = [0.0] * (max(bins) - store.offset + 1)
        for key, count in bins.items():
            store.bins[key - store.offset] = count
    return store
