"""LatencySketch: exact sums, quantiles within 1 %, and a form that the ddsketch library reads."""

from base64 import b64decode
from random import Random

import orjson
import pytest
from ddsketch import DDSketch
from ddsketch.pb.ddsketch_pb2 import DDSketch as Message
from ddsketch.pb.proto import DDSketchProto
from hypothesis import given
from hypothesis import strategies as st

from transforms.stats.latency_sketch import PERCENTS, LatencySketch

LATENCIES = st.lists(st.integers(-100_000, 100_000) | st.integers(-60, 200) | st.integers(0, 10**12), min_size=1)


def any_sketch(latencies: list[int]) -> LatencySketch:
    sketch = LatencySketch()
    for ms in latencies:
        sketch.add(ms)
    return sketch


def loaded(sketch: LatencySketch) -> DDSketch:
    """What a reader of the published form has."""
    message = Message()
    message.ParseFromString(b64decode(sketch.summary()["sketch"]))
    return DDSketchProto.from_proto(message)


def exact(latencies: list[int], percent: int) -> int:
    return sorted(latencies)[(len(latencies) - 1) * percent // 100]


@given(LATENCIES)
def test_counts_are_exact_and_quantiles_within_one_percent(latencies):
    summary = any_sketch(latencies).summary()
    assert (summary["count"], summary["min"], summary["max"]) == (len(latencies), min(latencies), max(latencies))
    assert summary["avg"] == round(sum(latencies) / len(latencies), 3)
    for percent in PERCENTS:
        assert summary[f"p{percent}"] == pytest.approx(exact(latencies, percent), rel=0.01, abs=0)


@given(LATENCIES)
def test_quantiles_below_fifty_milliseconds_are_exact(latencies):
    small = [ms % 101 - 50 for ms in latencies]
    sketch = any_sketch(small)
    assert [exact(small, percent) for percent in range(101)] == sketch.quantiles(*range(101))


@given(LATENCIES, st.randoms())
def test_any_order_and_any_merge_give_the_same_json(latencies, random):
    expected = any_sketch(latencies).as_json()
    shuffled = random.sample(latencies, len(latencies))
    cut = random.randint(0, len(shuffled))
    one, other = any_sketch(shuffled[:cut]), any_sketch(shuffled[cut:])
    both = LatencySketch.from_json(orjson.loads(orjson.dumps(other.as_json())))
    both.merge(one)
    one.merge(other)
    assert expected == one.as_json() == both.as_json()


@given(LATENCIES, LATENCIES)
def test_what_was_merged_can_be_taken_out_again_but_for_min_and_max(latencies, others):
    sketch = any_sketch(latencies + others)
    sketch.take_out(any_sketch(others))
    assert any_sketch(latencies).as_json()[2:] == sketch.as_json()[2:]


@given(LATENCIES)
def test_the_library_reads_the_serialized_form_and_gives_quantiles_of_the_same_rank(latencies):
    sketch = any_sketch(latencies)
    theirs = loaded(sketch)
    assert theirs.count == sketch.count
    for percent in (0, 25, 50, 75, 100):  # exact in binary: the library multiplies floats
        value = theirs.get_quantile_value(percent / 100)
        assert value == pytest.approx(exact(latencies, percent), rel=0.01 + 1e-9)
        if abs(value) >= 50:  # below, ours are rounded to the only whole number that they can be
            assert sketch.quantiles(percent)[0] == pytest.approx(min(max(value, min(latencies)), max(latencies)))


def test_readers_can_merge_what_was_published_with_sketches_of_their_own():
    mine, theirs = any_sketch([100] * 99), DDSketch(0.01)
    theirs.add(5000)
    theirs.merge(loaded(mine))
    assert theirs.count == 100
    assert theirs.get_quantile_value(1) == pytest.approx(5000, rel=0.01)


def test_a_sketch_of_nothing_has_no_summary_and_survives_json():
    empty = LatencySketch.from_json(LatencySketch().as_json())
    assert (empty.count, empty.summary(), empty.as_json()) == (0, None, [])


def test_the_json_holds_used_bins_only():
    latencies = [int(Random(1).lognormvariate(3, 1)) for _ in range(1000)] + [86_400_000]  # noqa: S311
    assert len(orjson.dumps(any_sketch(latencies).as_json())) < 1000
