"""One set of statistics, told by Prometheus, by the dashboard and by the demo: numbers of one name are equal."""

from collections.abc import Iterable, Iterator
from random import Random
from typing import Any

import pytest
from fastapi.testclient import TestClient

from tests.tracing_aggregator.dashboard.stores import STATS, Made, group_minute, latencies, topic_minute
from tests.tracing_aggregator.metrics.test_totals import Exported
from tracing_aggregator.dashboard.api import application
from tracing_aggregator.demo.window_totals import Numbers, WindowTotals
from tracing_aggregator.metrics.catalogue import BOUNDS_MS
from transforms.input.dates import NANOS_PER_MILLI, date_of, nanos_of

Value = dict[str, Any]
Sums = dict[str, float | None]

START = nanos_of("2026-01-02T23:30:00.000Z") // NANOS_PER_MILLI
MINUTE_MS = 60_000
UNTIL_MS = START + 5 * MINUTE_MS
TOPICS, GROUPS = ("orders", "payments"), ("billing", "audit", "")
FLOWS = [(topic, group) for topic in TOPICS for group in GROUPS]


def records(seed: int = 14) -> Iterator[Value]:
    """Five minutes of each topic and group, early and late; each is told twice, and one that is moved is withdrawn."""
    random = Random(seed)  # noqa: S311  repeatable
    for minute in range(5):
        start = date_of(START + minute * MINUTE_MS)
        for topic in TOPICS:
            produced = random.randrange(20, 60)
            took = {"ackLatencyMs": latencies(*(random.randrange(1, 30) for _ in range(produced)))}
            yield topic_minute(start, topic=topic, produced=1, sent=1)
            yield topic_minute(start, topic=topic, produced=produced, sent=produced - 1, acked=produced, **took)
            for group in GROUPS:
                yield group_minute(start, group, topic=topic, expected=2, actual=1, consumeLatencyMs=latencies(5))
                yield group_minute(start, group, topic=topic, **_read(random, produced))
    moved = group_minute(date_of(START - MINUTE_MS), expected=1, actual=1, consumeLatencyMs=latencies(7))
    yield moved
    yield {name: moved[name] for name in ("kind", "topic", "groupId", "windowStart")} | {"withdrawn": True}
    # What was withdrawn there is counted here: in no counter twice.
    start = date_of(START)
    yield group_minute(start, expected=70, actual=60, over=9, under=4, consumeLatencyMs=latencies(*range(60)))


def _read(random: Random, produced: int) -> Value:
    """Some are read again, some were not read in time, some still may be; clocks may disagree."""
    under, waiting = random.randrange(5), random.randrange(5)
    actual = produced - under - waiting
    took = (int(random.lognormvariate(5, 1.5)) - 3 for _ in range(actual))
    return {
        "expected": produced, "actual": actual, "over": random.randrange(8), "under": under, "committed": actual - 2,
        "slaBreaches": random.randrange(3), "consumeLatencyMs": latencies(*took), "commitLatencyMs": latencies(3, 9),
    }  # fmt: skip


@pytest.fixture(scope="module")
def dashboard(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    made = Made(tmp_path_factory.mktemp("agreement")).take(STATS, records())
    yield TestClient(application(made.reader, None), base_url="http://localhost")
    made.connection.close()


@pytest.fixture(scope="module")
def prometheus() -> Exported:
    exported = Exported(since=START - MINUTE_MS)
    exported.take(*records())
    return exported


def demo(values: Iterable[Value]) -> Numbers:
    totals = WindowTotals()
    for value in values:
        totals.take(value)
    return totals.numbers(UNTIL_MS - 1)


def get(dashboard: TestClient, path: str, **words: object) -> Any:
    return dashboard.get(f"/api/v1/{path}", params={"minutes": 15, "until": UNTIL_MS, **words}).json()


def flow_of(dashboard: TestClient, topic: str, group: str) -> tuple[Value, Value]:
    """The dashboard's rows of the topic, and of the group in it."""
    [flow] = [one for one in get(dashboard, "flows")["flows"] if one["topic"] == topic]
    [of_group] = [one for one in flow["groups"] if one["groupId"] == group]
    return flow, of_group


def scraped(prometheus: Exported, name: str, *labels: str) -> float:
    """A sample; labels in the order of their names."""
    return prometheus.samples(f"kafka_trace_{name}")[labels]


@pytest.mark.parametrize(("topic", "group"), FLOWS)
def test_each_topic_and_group_has_the_same_counts_in_prometheus_on_the_dashboard_and_in_the_demo(
    dashboard, prometheus, topic, group
):
    flow, of_group = flow_of(dashboard, topic, group)
    shown = demo(one for one in records() if one["topic"] == topic and one.get("groupId", group) == group)

    assert flow["produced"] == shown.produced == scraped(prometheus, "produced_messages_total", topic)
    for of_record, of_demo, of_prometheus in (
        ("expected", shown.expected, "expected_messages_total"),
        ("actual", shown.consumed, "consumed_messages_total"),
        ("over", shown.over, "over_consumed_deliveries_total"),
        ("under", shown.under, "under_consumed_messages"),
        ("inFlight", shown.in_flight, "in_flight_messages"),
    ):
        assert of_group[of_record] == of_demo == scraped(prometheus, of_prometheus, group, topic), of_record
    for of_record, of_prometheus in (("committed", "committed_messages"), ("slaBreaches", "sla_breaches")):
        assert of_group[of_record] == scraped(prometheus, f"{of_prometheus}_total", group, topic)
    for of_record, of_prometheus in (("sent", "sent_messages"), ("acked", "acknowledged_messages")):
        assert flow[of_record] == scraped(prometheus, f"{of_prometheus}_total", topic)
    assert of_group["inFlight"] > 0


@pytest.mark.parametrize(("topic", "group"), FLOWS)
def test_each_topic_and_group_has_the_same_latencies_in_prometheus_on_the_dashboard_and_in_the_demo(
    dashboard, prometheus, topic, group
):
    flow, of_group = flow_of(dashboard, topic, group)
    shown = demo(one for one in records() if one["topic"] == topic and one.get("groupId", group) == group)
    consumed = of_group["consumeLatencyMs"]
    # Each message that was read counts once, however often it was read again.
    assert consumed["count"] == of_group["actual"]
    assert (consumed["p50"], consumed["p99"]) == (shown.p50, shown.p99)
    for told, name, labels in (
        (consumed, "consume_latency_seconds", (group, topic)),
        (of_group["commitLatencyMs"], "commit_latency_seconds", (group, topic)),
        (flow["ackLatencyMs"], "ack_latency_seconds", (topic,)),
    ):
        if told is None:
            continue
        assert told["count"] == scraped(prometheus, f"{name}_count", *labels)
        mean_ms = 1000 * scraped(prometheus, f"{name}_sum", *labels) / told["count"]
        assert told["avg"] == pytest.approx(mean_ms, rel=1e-9)
        for percent in (50, 90, 95, 99):
            low, high = bucket_with(prometheus, name, labels, (told["count"] - 1) * percent // 100)
            assert low * 0.98 <= max(0, told[f"p{percent}"]) <= high * 1.02, (name, percent)


def bucket_with(prometheus: Exported, name: str, labels: tuple[str, ...], rank: int) -> tuple[float, float]:
    """Bounds in ms of the bucket that holds the latency of this rank, counted from 0."""
    below = 0.0
    for bound in BOUNDS_MS:
        found = prometheus.bucket(f"kafka_trace_{name}_bucket", labels, str(bound / 1000))
        if found > rank:
            return below, bound
        below = bound
    return below, float("inf")


@pytest.mark.parametrize("topic", [None, *TOPICS])
def test_the_tiles_are_the_sums_of_the_groups_and_the_demos_head(dashboard, prometheus, topic):
    told = get(dashboard, "overview", **({"topic": topic} if topic else {}))
    tiles = {name: sum(filter(None, series)) for name, series in told["delivery"].items()}
    latency = told["overall"]["consumeLatencyMs"]
    shown = demo(one for one in records() if topic in {None, one["topic"]})
    assert shown == Numbers(
        *(tiles[name] for name in ("produced", "expected", "actual", "over", "under")), latency["p50"], latency["p99"]
    )
    assert tiles["inFlight"] == shown.in_flight
    for of_record, name in (
        ("expected", "expected_messages_total"),
        ("actual", "consumed_messages_total"),
        ("over", "over_consumed_deliveries_total"),
        ("under", "under_consumed_messages"),
        ("inFlight", "in_flight_messages"),
    ):
        samples = prometheus.samples(f"kafka_trace_{name}")
        assert tiles[of_record] == sum(number for (_, of), number in samples.items() if topic in {None, of})
