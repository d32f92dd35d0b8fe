"""Latencies of statistics: taken from the published form, kept short, and merged."""

from collections.abc import Iterable
from typing import Any

from tracing_aggregator.published_latencies import decoded
from transforms.stats.latency_sketch import PERCENTS, LatencySketch, SketchJson


def shortened(latencies: dict[str, Any]) -> SketchJson:
    """The `latencies` of a record of `_traceStats` as the sketch's own JSON, a tenth of the length.

    Raises ValueError or KeyError for what is no such thing.
    """
    return decoded(latencies).as_json()


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
