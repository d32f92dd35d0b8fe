"""Comparing variants: how they are named, in which order they run, and what is said of them."""

import os
from contextlib import nullcontext
from pathlib import Path

import pytest
from click.testing import CliRunner

from bench.compare import JAVA_OPTION, Variant, in_turns, main, variant
from bench.fast.figures import Figures, markdown, medians

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
    figures = [
        Figures("Throughput", {"run": name, "traces/s": warm, "Java CPU s per million": java})
        for name, warm, java in (("a", 1000.0, 40.0), ("b", 5.0, 1.0), ("a", 3000.0, 60.0), ("a", 2000.0, 50.0))
    ]
    table = markdown(medians(figures))
    assert "| run | runs | traces/s | Java CPU s per million |" in table
    assert "| a | 3 | 2,000 | 50 |" in table
    assert "| b | 1 | 5 | 1 |" in table


def test_each_variant_runs_its_own_checkout_with_its_own_settings(monkeypatch):
    ran = []

    def stream(_bed, name, _program, changes, _within_s, *, root):
        ran.append((name, root, changes, os.environ[JAVA_OPTION]))
        return iter([Figures("Throughput", {"run": name, "traces/s": 7.0})])

    monkeypatch.setattr("bench.compare.test_bed", lambda *_: nullcontext())
    monkeypatch.setattr("bench.compare.stream", stream)
    monkeypatch.setenv(JAVA_OPTION, "")
    given = ["--rounds", "1", f"old={ROOT}", f"new={ROOT},workers=1,{JAVA_OPTION}=-Xint"]
    ended = CliRunner().invoke(main, given, catch_exceptions=False)
    assert ended.exit_code == 0
    assert ran == [("old", ROOT, {}, ""), ("new", ROOT, {"workers": "1"}, "-Xint")]
    assert "| new | 1 | 7 |" in ended.stdout
