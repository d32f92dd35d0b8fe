"""The latencies of a record of `_traceStats`, decoded from the DDSketch in it."""

from base64 import b64decode
from collections.abc import Mapping
from typing import Any

from ddsketch.pb import ddsketch_pb2

from transforms.stats.latency_sketch import LatencySketch


def decoded(latencies: Mapping[str, Any]) -> LatencySketch:
    """Their distribution. Raises ValueError or KeyError for what is no such thing."""
    message = ddsketch_pb2.DDSketch.FromString(b64decode(latencies["sketch"]))
    sketch = LatencySketch()
    sketch.positive, sketch.negative = _bins(message.positiveValues), _bins(message.negativeValues)
    sketch.zeros = int(message.zeroCount)
    sketch.count, sketch.min, sketch.max = latencies["count"], latencies["min"], latencies["max"]
    # Latencies are whole ms; the published mean is rounded.
    sketch.sum = round(latencies["avg"] * sketch.count)
    return sketch


def _bins(store: Any) -> dict[int, int]:
    """A store of the message, whose bins may be a map, a run from an offset, or both."""
    bins = {int(key): int(count) for key, count in store.binCounts.items()}
    for key, count in enumerate(store.contiguousBinCounts, store.contiguousBinIndexOffset):
        if count:
            bins[key] = bins.get(key, 0) + int(count)
    return bins
