"""From records that replace each other to counters that only grow."""

from random import Random
from typing import Any

import orjson
import pytest

from tracing_aggregator.metrics.totals import StatsTotals
from transforms.input.dates import date_of
from transforms.stats.latency_sketch import LatencySketch

MINUTE = 60_000
HOUR = 60 * MINUTE
#: Windows are named by their number of minutes after this.
START = 1_767_225_600_000
CONSUMED = "kafka_trace_consumed_messages_total"
UNDER = "kafka_trace_under_consumed_messages"
OPEN = "kafka_trace_open_findings"


def any_group(minute: int = 0, latencies: tuple[int, ...] = (), **fields: Any) -> dict[str, Any]:
    sketch = LatencySketch()
    for ms in latencies:
        sketch.add(ms)
    counts = dict.fromkeys(("expected", "actual", "over", "under", "committed", "slaBreaches"), 0)
    distribution = {"consumeLatencyMs": sketch.summary()} if latencies else {}
    window = {"windowStart": date_of(START + minute * MINUTE)}
    return (
        {"kind": "group", "topic": "orders", "groupId": "g", **window, **counts, "verdicts": {}} | distribution | fields
    )


def any_topic(minute: int = 0, **fields: Any) -> dict[str, Any]:
    counts = {"produced": 0, "sent": 0, "acked": 0, "unknownProduceTime": 0, "verdicts": {}, "groups": []}
    window = {"windowStart": date_of(START + minute * MINUTE)}
    return {"kind": "topic", "topic": "orders", **window, **counts} | fields


def any_edge(minute: int = 0, **fields: Any) -> dict[str, Any]:
    window = {"windowStart": date_of(START + minute * MINUTE)}
    return {"kind": "edge", "fromTopic": "orders", "groupId": "g", "toTopic": "payments", **window, "count": 0} | fields


def withdrawn(record: dict[str, Any]) -> dict[str, Any]:
    return {name: record[name] for name in ("kind", "topic", "groupId", "windowStart") if name in record} | {
        "withdrawn": True
    }


class Exported:
    """Totals that are given records, and what they show."""

    def __init__(self, since: int = START, keep: int = 24 * HOUR) -> None:
        self.totals = StatsTotals(since, keep)

    def take(self, *records: dict[str, Any]) -> None:
        for record in records:
            key = {
                name: record[name]
                for name in ("topic", "fromTopic", "groupId", "toTopic", "windowStart")
                if name in record
            }
            self.totals.take(orjson.dumps(key), orjson.dumps(record))

    def samples(self, name: str) -> dict[tuple[str, ...], float]:
        """Values of a metric by its labels, the cluster aside."""
        return {
            tuple(value for label, value in sorted(sample.labels.items()) if label != "cluster"): sample.value
            for family in self.totals.collect()
            for sample in family.samples
            if sample.name == name
        }

    def bucket(self, name: str, labels: tuple[str, ...], bound: str) -> float:
        """What a histogram counts up to a bound; labels in the order of their names, the bound aside."""
        [number] = [
            sample.value
            for family in self.totals.collect()
            for sample in family.samples
            if sample.name == name
            and sample.labels["le"] == bound
            and tuple(value for label, value in sorted(sample.labels.items()) if label not in {"cluster", "le"})
            == labels
        ]
        return number

    def value(self, name: str) -> float:
        [value] = self.samples(name).values()
        return value


def test_a_record_that_is_replaced_counts_once():
    exported = Exported()
    exported.take(any_group(actual=5), any_group(actual=7), any_group(minute=1, actual=2))
    assert exported.value(CONSUMED) == 9


def test_what_a_group_sends_on_is_counted_by_its_way():
    exported = Exported()
    exported.take(any_edge(count=5), any_edge(count=7), any_edge(minute=1, count=2), any_edge(toTopic="audit", count=1))
    forwarded = exported.samples("kafka_trace_forwarded_messages_total")
    assert forwarded == {("orders", "g", "payments"): 9, ("orders", "g", "audit"): 1}


def test_records_that_come_again_change_nothing():
    exported = Exported()
    exported.take(any_group(actual=5), any_group(actual=5), any_group(actual=5, final=True))
    assert exported.value(CONSUMED) == 5


def test_a_message_that_moves_to_another_minute_takes_nothing_back_and_is_not_counted_twice():
    exported = Exported()
    exported.take(any_group(actual=5), any_group(minute=1, actual=3))
    assert exported.value(CONSUMED) == 8
    exported.take(any_group(actual=4))
    assert exported.value(CONSUMED) == 8
    exported.take(any_group(minute=1, actual=4))
    assert exported.value(CONSUMED) == 8
    exported.take(any_group(minute=1, actual=6))
    assert exported.value(CONSUMED) == 10


def test_a_window_that_is_withdrawn_takes_nothing_back():
    exported = Exported()
    exported.take(any_group(actual=5))
    assert exported.value(CONSUMED) == 5
    exported.take(withdrawn(any_group()))
    assert exported.value(CONSUMED) == 5
    exported.take(any_group(minute=1, actual=6))
    assert exported.value(CONSUMED) == 6


def test_counters_never_go_back_whatever_comes():
    random, exported, before = Random(2), Exported(), {}  # noqa: S311
    for _ in range(300):
        minute, count = random.randrange(9), random.randrange(20)
        latencies = tuple(random.randrange(9000) for _ in range(count))
        record = any_group(minute, latencies, actual=count)
        exported.take(withdrawn(record) if random.random() < 0.1 else record)
        now = {name: exported.samples(f"kafka_trace_consume_latency_seconds_{name}") for name in ("bucket", "count")}
        now["counter"] = exported.samples(CONSUMED)
        for name, samples in before.items():
            assert all(now[name][labels] >= value for labels, value in samples.items())
        before = now


def test_of_a_window_from_before_the_first_look_only_what_is_new_counts():
    exported = Exported(since=START)
    exported.take(any_group(minute=-60, actual=1000))
    assert exported.value(CONSUMED) == 0
    exported.take(any_group(minute=-60, actual=1001))
    assert exported.value(CONSUMED) == 1


def test_what_is_past_retention_stays_in_the_totals_and_is_forgotten():
    exported = Exported(keep=HOUR)
    exported.take(any_group(actual=5, under=2), any_group(minute=61, actual=1), any_group(minute=63, actual=1))
    assert exported.value(CONSUMED) == 7
    assert exported.value(UNDER) == 0
    assert len(exported.totals._windows) == 2
    exported.take(any_group(actual=5, final=True))
    assert exported.value(CONSUMED) == 7


def test_what_is_open_is_a_gauge_over_the_windows_that_are_not_final():
    exported = Exported()
    exported.take(any_group(under=3), any_group(minute=1, under=2))
    assert exported.value(UNDER) == 5
    exported.take(any_group(under=1))
    assert exported.value(UNDER) == 3
    exported.take(any_group(under=1, final=True))
    assert exported.value(UNDER) == 2


def test_open_findings_are_by_reason_and_fall_to_zero():
    exported = Exported()
    exported.take(any_topic(verdicts={"lost": 2, "unacked": 1}), any_topic(minute=1, verdicts={"lost": 1}))
    assert exported.samples(OPEN) == {("lost", "orders"): 3, ("unacked", "orders"): 1}
    exported.take(any_topic(verdicts={"lost": 1}))
    assert exported.samples(OPEN) == {("lost", "orders"): 2, ("unacked", "orders"): 0}


def test_findings_of_a_group_have_a_metric_of_their_own():
    exported = Exported()
    exported.take(any_group(verdicts={"unconsumed": 4}))
    assert exported.samples("kafka_trace_group_open_findings") == {("g", "unconsumed", "orders"): 4}
    assert exported.samples(OPEN) == {}


def test_latencies_are_a_histogram_in_seconds():
    exported = Exported()
    exported.take(any_group(latencies=(40, 900)), any_group(latencies=(40, 900, 70_000)), any_group(1, (40,)))
    buckets = exported.samples("kafka_trace_consume_latency_seconds_bucket")
    assert {bound: buckets["g", bound, "orders"] for bound in ("0.025", "0.05", "1.0", "60.0", "120.0", "+Inf")} == {
        "0.025": 0, "0.05": 2, "1.0": 3, "60.0": 3, "120.0": 4, "+Inf": 4,
    }  # fmt: skip
    assert exported.value("kafka_trace_consume_latency_seconds_count") == 4
    assert exported.value("kafka_trace_consume_latency_seconds_sum") == pytest.approx(70.98, abs=0.01)


def test_coverage_is_two_counters():
    exported = Exported()
    exported.take(any_topic(coverage={"traced": 8, "offsets": 10, "ratio": 0.8}), any_topic(minute=1))
    assert exported.value("kafka_trace_covered_messages_total") == 8
    assert exported.value("kafka_trace_covered_offsets_total") == 10


def test_clusters_topics_and_groups_are_apart():
    exported = Exported()
    exported.take(any_group(actual=1), any_group(actual=2, groupId="h"), any_group(actual=3, topic="other"))
    assert exported.samples(CONSUMED) == {("g", "orders"): 1, ("h", "orders"): 2, ("g", "other"): 3}


def test_other_kinds_and_what_is_no_record_are_ignored():
    exported = Exported()
    exported.take({**any_topic(), "kind": "clockSkew"}, {"kind": "topic"})
    exported.totals.take(b"", b"no json")
    exported.totals.take(b"", b"[1]")
    assert exported.samples(CONSUMED) == {}


def test_the_newest_minute_is_a_time():
    exported = Exported()
    exported.take(any_topic(minute=3), any_topic(minute=1))
    assert exported.value("kafka_trace_newest_window_timestamp_seconds") == (START + 3 * MINUTE) / 1000


def test_what_was_open_before_the_start_is_open_after_it_and_is_not_counted_again():
    exported = Exported(since=START + 2 * HOUR)
    old = any_topic(produced=5, verdicts={"lost": 2})
    for record in (any_topic(produced=3), old):
        exported.totals.take(b"k", orjson.dumps(record), START + MINUTE)
    assert exported.value(OPEN) == 2
    assert exported.value("kafka_trace_produced_messages_total") == 0
    exported.totals.take(b"k", orjson.dumps(any_topic(produced=6, verdicts={})), START + 2 * HOUR)
    assert exported.value(OPEN) == 0
    assert exported.value("kafka_trace_produced_messages_total") == 1
