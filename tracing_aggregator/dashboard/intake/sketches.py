"""Latencies of statistics: taken from the published form, kept short, and merged."""

from base64 import b64decode
from collections.abc import Iterable
from typing import Any

from ddsketch.pb import ddsketch_pb2

from transforms.stats.latency_sketch import PERCENTS, LatencySketch, SketchJson


def shortened(latencies: dict[str, Any]) -> SketchJson:
    """The `latencies` of a record of `_traceStats` as the sketch's own JSON, a tenth of the length.

    Raises ValueError or KeyError for what is no such thing.
    """
    message = ddsketch_pb2.DDSketch.FromString(b64decode(latencies["sketch"]))
    sketch = LatencySketch()
    sketch.positive, sketch.negative = _bins(message.positiveValues), _bins(message.negativeValues)
    sketch.zeros = int(message.zeroCount)
    sketch.count, sketch.min, sketch.max = latencies["count"], latencies["min"], latencies["max"]
    sketch.sum = round(latencies["avg"] * sketch.count)
    return sketch.as_json()


def pooled(sketches: Iterable[SketchJson]) -> LatencySketch:
    """All their latencies in one sketch."""
    total = LatencySketch()
    for sketch in sketches:
        total.merge(LatencySketch.from_json(sketch))
    return total


def told(sketch: LatencySketch) -> dict[str, Any] | None:
    """Count, min, avg, max and quantiles; None if there is no latency."""
    if not sketch.count:
        return None
    quantiles = {f"p{percent}": ms for percent, ms in zip(PERCENTS, sketch.quantiles(*PERCENTS), strict=True)}
    average = sketch.sum / sketch.count
    return {"count": sketch.count, "min": sketch.min, "avg": average, "max": sketch.max, **quantiles}


def merged(sketches: Iterable[SketchJson]) -> dict[str, Any] | None:
    """What there is to tell of all of them; None if there is no latency."""
    return told(pooled(sketches))


def _bins(store: Any) -> dict[int, int]:
    """A store of the message, whose bins may be a map, a run from an offset, or both."""
    bins = {int(key): int(count) for key, count in store.binCounts.items()}
    for key, count in enumerate(store.contiguousBinCounts, store.contiguousBinIndexOffset):
        if count:
            bins[key] = bins.get(key, 0) + int(count)
    return bins
