"""Limits: the arithmetic, and that each measured part does what it is named for."""

from bench.limits import Cost, fastest, in_process, markdown, per_second, records
from transforms.input.strict_parser import parse_trace
from transforms.input.traces import Trace


def test_the_fastest_round_counts_and_is_shared_by_what_was_done(monkeypatch):
    clock = iter([0.0, 3.0, 10.0, 12.0, 20.0, 25.0])
    monkeypatch.setattr("bench.limits.time.process_time", lambda: next(clock))
    assert fastest(lambda: None, count=10, rounds=3) == 200_000


def test_a_rate_is_what_one_core_could_do_with_nothing_else():
    assert per_second(25.0) == 40_000


def test_the_traces_that_are_measured_with_are_valid():
    raw = records(400)
    assert len(raw) == 400
    assert all(isinstance(parse_trace(record.value, record.timestamp, 60_000), Trace) for record in raw)


def test_every_part_is_measured_for_a_trace():
    costs = in_process(records(400))
    assert all(cost.micros > 0 for cost in costs)
    assert any("every field checked" in cost.name for cost in costs)


def test_the_table_says_what_one_core_could_do():
    assert "| parse | 25.00 | 40,000 traces/s |" in markdown([Cost("parse", 25.0)])
