"""How far clocks are apart: one number for all pairs of clients."""

from typing import Any

import orjson
import pytest

from tracing_aggregator.metrics.clocks import Clocks
from transforms.input.dates import date_of

HOUR = 3_600_000
#: Hours are named by their number after this.
START = 1_767_225_600_000
PAIRS, SKEW, WAS_SET = (
    "kafka_trace_clock_pairs",
    "kafka_trace_clock_skew_seconds",
    "kafka_trace_inconsistent_clock_pairs",
)


def any_clocks(one: str = "a", other: str = "b", hour: int = 0, **fields: Any) -> dict[str, Any]:
    known = {"kind": "clockSkew", "clients": [one, other], "windowStart": date_of(START + hour * HOUR)}
    return known | {"lowerMs": None, "upperMs": None} | fields


def shown(*records: dict[str, Any]) -> dict[str, float]:
    clocks = Clocks()
    for record in records:
        clocks.take(b"", orjson.dumps(record))
    return {sample.name: sample.value for family in clocks.collect() for sample in family.samples}


@pytest.mark.parametrize(
    ("bounds", "seconds"),
    [
        ({"lowerMs": -20, "upperMs": 30}, 0),
        ({"lowerMs": 1500, "upperMs": 2000}, 1.5),
        ({"lowerMs": -2000, "upperMs": -1500}, 1.5),
        ({"lowerMs": None, "upperMs": -700}, 0.7),
        ({"lowerMs": None, "upperMs": 700}, 0),
    ],
)
def test_clocks_are_apart_by_what_their_bounds_leave_no_doubt_of(bounds, seconds):
    assert shown(any_clocks(**bounds)) == {PAIRS: 1, SKEW: seconds, WAS_SET: 0}


def test_the_pair_that_is_furthest_apart_counts():
    found = shown(any_clocks(lowerMs=100), any_clocks(other="c", lowerMs=900), any_clocks(other="d", upperMs=-300))
    assert found == {PAIRS: 3, SKEW: 0.9, WAS_SET: 0}


def test_a_clock_that_was_set_is_counted_and_its_bounds_say_nothing():
    found = shown(any_clocks(lowerMs=9000, upperMs=-9000, inconsistent=True), any_clocks(other="c", lowerMs=50))
    assert found == {PAIRS: 2, SKEW: 0.05, WAS_SET: 1}


def test_the_last_record_of_an_hour_holds():
    assert shown(any_clocks(lowerMs=100), any_clocks(lowerMs=300)) == {PAIRS: 1, SKEW: 0.3, WAS_SET: 0}
    withdrawn = {name: any_clocks()[name] for name in ("kind", "clients", "windowStart")} | {"withdrawn": True}
    assert shown(any_clocks(lowerMs=100), withdrawn) == {}


def test_the_hour_before_counts_and_older_ones_do_not():
    old, last, now = any_clocks(lowerMs=9000), any_clocks(hour=1, lowerMs=700), any_clocks(hour=2, lowerMs=20)
    assert shown(old, last, now)[SKEW] == 0.7
    assert shown(now, old)[PAIRS] == 1


@pytest.mark.parametrize("value", [b"", b"[]", b"{}", b'{"kind": "group"}', b'{"kind": "clockSkew", "clients": 3}'])
def test_what_is_not_about_clocks_is_ignored(value):
    clocks = Clocks()
    clocks.take(b"", value)
    assert [sample for family in clocks.collect() for sample in family.samples] == []
