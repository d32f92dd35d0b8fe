import pytest
from fastapi.testclient import TestClient

from tests.tracing_aggregator.dashboard.stores import STATS, Made, group_minute, latencies, topic_minute
from tracing_aggregator.dashboard.api import application
from tracing_aggregator.demo.window_totals import Numbers, WindowTotals
from transforms.input.dates import NANOS_PER_MILLI, nanos_of

FIRST, SECOND = "2026-01-02T23:30:00.000Z", "2026-01-02T23:31:00.000Z"
NOW_MS = nanos_of(SECOND) // NANOS_PER_MILLI + 20_000
MINUTES = [
    topic_minute(FIRST, produced=7),
    group_minute(FIRST, expected=3, actual=1, consumeLatencyMs=latencies(900)),
    group_minute(FIRST, expected=7, actual=6, over=2, consumeLatencyMs=latencies(10, 12, 14, 16, 18, 20)),
    topic_minute(SECOND, produced=5),
    group_minute(SECOND, expected=5, actual=1, under=2, consumeLatencyMs=latencies(500)),
    group_minute(SECOND, "audit", expected=5, actual=5),
]


def totals(*records) -> WindowTotals:
    all_of_it = WindowTotals()
    for record in records:
        all_of_it.take(record)
    return all_of_it


def test_the_newest_record_of_each_minute_counts():
    numbers = totals(*MINUTES).numbers(NOW_MS)
    assert numbers[:5] == (12, 17, 12, 2, 2)
    assert numbers.in_flight == 3
    assert str(numbers) == "produced 12  expected 17  consumed 12  over 2  under 2  in flight 3"
    assert numbers.latency == "p50 16 ms  p99 20 ms"


def test_they_are_the_numbers_of_the_dashboards_first_page(tmp_path):
    reader = Made(tmp_path).take(STATS, MINUTES).reader
    client = TestClient(application(reader, None), base_url="http://localhost")
    shown = client.get("/api/v1/overview", params={"minutes": 15, "until": NOW_MS}).json()
    sums = {name: sum(filter(None, series)) for name, series in shown["delivery"].items()}
    latency = shown["overall"]["consumeLatencyMs"]
    assert totals(*MINUTES).numbers(NOW_MS) == Numbers(
        sums["produced"], sums["expected"], sums["actual"], sums["over"], sums["under"], latency["p50"], latency["p99"]
    )


def test_what_is_withdrawn_counts_no_longer():
    gone = {**topic_minute(FIRST), "withdrawn": True}
    assert totals(*MINUTES, gone).numbers(NOW_MS).produced == 5


@pytest.mark.parametrize(("later_min", "produced"), [(13, 12), (14, 5), (15, 0)])
def test_minutes_are_those_of_the_last_fifteen(later_min, produced):
    assert totals(*MINUTES).numbers(NOW_MS + later_min * 60_000).produced == produced


def test_other_kinds_of_statistics_are_none_of_it():
    assert totals({"kind": "edge", "windowStart": FIRST}).numbers(NOW_MS) == Numbers(0, 0, 0, 0, 0, None, None)


def test_before_anything_was_read_latencies_are_unknown():
    assert totals().numbers(NOW_MS).latency == "p50 -  p99 -"
