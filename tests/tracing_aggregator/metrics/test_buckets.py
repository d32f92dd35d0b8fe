from random import Random

import pytest

from tracing_aggregator.metrics.buckets import LENGTH, distribution
from tracing_aggregator.metrics.catalogue import BOUNDS_MS
from transforms.stats.latency_sketch import LatencySketch


def of(*latencies: int) -> list[float]:
    sketch = LatencySketch()
    for ms in latencies:
        sketch.add(ms)
    return distribution(sketch.summary())


def test_a_bound_counts_what_equals_it_and_all_below():
    *below, count, total = of(-3, 0, 1, 10, 250, 3_600_000)
    at = dict(zip(BOUNDS_MS, below, strict=True))
    assert (at[1], at[5], at[10], at[100], at[250]) == (3, 3, 4, 4, 5)
    assert (at[1_800_000], at[3_600_000], at[86_400_000]) == (5, 6, 6)
    assert (count, total) == (6, pytest.approx(3600.258))


def test_counts_are_those_of_the_raw_latencies_within_2_percent_of_the_bound():
    random = Random(5)  # noqa: S311
    latencies = [int(random.lognormvariate(6, 3)) for _ in range(2000)]
    *below, count, _ = of(*latencies)
    assert count == len(latencies)
    for bound, found in zip(BOUNDS_MS, below, strict=True):
        assert sum(ms <= bound for ms in latencies) <= found <= sum(ms <= 1.02 * bound for ms in latencies)


def test_counts_rise_from_bound_to_bound():
    counts = of(*range(1, 3000, 7))[:-1]
    assert counts == sorted(counts)


def test_no_latencies_are_zeros():
    assert distribution(None) == [0.0] * LENGTH


def test_what_is_longer_than_a_day_is_in_the_count_alone():
    *below, count, _ = of(90_000_000)
    assert (set(below), count) == ({0}, 1)
