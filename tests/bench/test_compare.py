"""Comparing variants: how they are named, in which order they run, and what is said of them."""

from pathlib import Path

import pytest

from bench.compare import Variant, in_turns, markdown, variant
from bench.figures import Row, Throughput

ROOT = Path(__file__).parent.parent.parent


def test_a_variant_is_a_checkout_with_settings_and_options_of_java():
    one = variant(f"fast={ROOT},bundle.ms=200,java_option=-XX:TieredStopAtLevel=4")
    assert one == Variant("fast", ROOT, {"bundle.ms": "200"}, "-XX:TieredStopAtLevel=4")


@pytest.mark.parametrize("text", ["fast", "fast=/nowhere", f"fast={ROOT},bundle.ms"])
def test_what_is_no_variant_is_refused(text):
    with pytest.raises(ValueError, match=r"no checkout|not enough values|dictionary update"):
        variant(text)


def test_every_second_round_runs_backwards():
    one, two = (Variant(name, ROOT, {}, "") for name in ("one", "two"))
    assert [variant.name for variant in in_turns([one, two], 3)] == ["one", "two", "two", "one", "one", "two"]


def test_the_table_has_the_median_of_the_runs_of_each_variant():
    cpu = {"python": 50.0}
    rows = [
        Row(name, 1.0, Throughput(1, 2.0, 5.0, warm, is_complete=True, cpu_s_per_million={"java": java, **cpu}))
        for name, warm, java in (("a", 1000.0, 40.0), ("b", 5.0, 1.0), ("a", 3000.0, 60.0), ("a", 2000.0, 50.0))
    ]
    table = markdown(rows)
    assert "| a | 3 | 2,000 | 100 (50 + 50) | 0 |" in table
    assert "| b | 1 | 5 | 51 (1 + 50) | 0 |" in table
