"""A distribution of the statistics as a Prometheus histogram: cumulative counts from the published DDSketch."""

from base64 import b64decode
from collections.abc import Mapping
from itertools import accumulate
from typing import Any

from ddsketch.mapping import LogarithmicMapping
from ddsketch.pb import ddsketch_pb2

from tracing_aggregator.metrics.catalogue import BOUNDS_MS
from transforms.stats.latency_sketch import RELATIVE_ACCURACY

_MS_PER_S = 1000
_MAPPING = LogarithmicMapping(RELATIVE_ACCURACY)
#: The highest bin that counts as below each bound: the one that the bound itself falls into.
_LAST_BINS = [int(_MAPPING.key(bound)) for bound in BOUNDS_MS]

#: How many numbers `distribution` gives: one per bound, then count and sum.
LENGTH = len(BOUNDS_MS) + 2


def distribution(latencies: Mapping[str, Any] | None) -> list[float]:
    """For each bound how many latencies are not above it (within 2 % of the bound), then their count, their sum in s.

    None, no latencies, is all zeros. Negative latencies are below every bound.
    """
    if latencies is None:
        return [0.0] * LENGTH
    count = latencies["count"]
    sketch = ddsketch_pb2.DDSketch.FromString(b64decode(latencies["sketch"]))
    offset = sketch.positiveValues.contiguousBinIndexOffset
    counts = list(accumulate(sketch.positiveValues.contiguousBinCounts))
    low = sketch.zeroCount + sum(sketch.negativeValues.contiguousBinCounts)
    below = [low + (counts[min(last - offset, len(counts) - 1)] if counts and last >= offset else 0)
             for last in _LAST_BINS]  # fmt: skip
    # Latencies are whole ms; the published mean is rounded.
    return [*below, float(count), round(count * latencies["avg"]) / _MS_PER_S]
