"""A distribution of the statistics as a Prometheus histogram: cumulative counts from the published DDSketch."""

from bisect import bisect_right
from collections.abc import Mapping
from itertools import accumulate
from typing import Any

from ddsketch.mapping import LogarithmicMapping

from tracing_aggregator.metrics.catalogue import BOUNDS_MS
from tracing_aggregator.published_latencies import decoded
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
    sketch = decoded(latencies)
    keys = sorted(sketch.positive)
    counts = [0, *accumulate(sketch.positive[key] for key in keys)]
    low = sketch.zeros + sum(sketch.negative.values())
    below = [float(low + counts[bisect_right(keys, last)]) for last in _LAST_BINS]
    return [*below, float(sketch.count), sketch.sum / _MS_PER_S]
