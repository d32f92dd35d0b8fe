"""Lag of observed groups: one number for all partitions of a topic."""

from typing import Any

import orjson
import pytest

from tracing_aggregator.metrics.observed import ObservedLag
from transforms.input.dates import date_of

LAG = "kafka_trace_observed_lag_messages"
AGE = "kafka_trace_observed_lag_seconds"
COMMIT = "kafka_trace_observed_last_commit_timestamp_seconds"
START = 1_700_000_000_000


def any_record(at: int = START, partition: int = 0, **fields: Any) -> dict[str, Any]:
    record = {
        "kind": "observedGroup", "topic": "orders", "partition": partition, "groupId": "billing",
        "measuredAt": date_of(at), "lag": 3, "lagMs": 1_500, "sinceCommitMs": 2_000,
    }  # fmt: skip
    return record | fields


def shown(*records: dict[str, Any]) -> dict[str, dict[tuple[str, ...], float]]:
    observed = ObservedLag(keep=86_400_000)
    for record in records:
        observed.take(b"", orjson.dumps(record))
    return {
        family.name: {tuple(sample.labels.values()): sample.value for sample in family.samples}
        for family in observed.collect()
    }


def of_billing(*records: dict[str, Any]) -> dict[str, float]:
    return {name: values[("", "orders", "billing")] for name, values in shown(*records).items()}


def test_lag_is_the_sum_of_partitions_and_its_age_that_of_the_oldest_message():
    found = of_billing(any_record(), any_record(partition=1, lag=4, lagMs=500, sinceCommitMs=100))
    assert found == {LAG: 7, AGE: 1.5, COMMIT: START / 1000 - 0.1}


def test_the_newest_measurement_of_a_partition_holds_whichever_comes_last():
    newer = any_record(at=START + 1_000, lag=0, lagMs=0)
    assert of_billing(any_record(), newer)[LAG] == of_billing(newer, any_record())[LAG] == 0


def test_groups_and_topics_are_apart():
    assert set(shown(any_record(), any_record(groupId="audit", cluster="blue"))[LAG]) == {
        ("", "orders", "billing"),
        ("blue", "orders", "audit"),
    }


def test_lag_that_is_measured_no_more_is_shown_no_more_and_a_group_without_lag_is():
    other = any_record(at=START + 601_000, groupId="audit")
    assert set(shown(any_record(), other)[LAG]) == {("", "orders", "audit")}
    assert len(shown(any_record(lag=0), other)[LAG]) == 2


@pytest.mark.parametrize(
    "value",
    [b"", b"[]", b'{"kind": "topic"}', b'{"kind": "observedGroup", "lag": "x"}', orjson.dumps(any_record(lag=None))],
)
def test_what_has_no_lag_is_ignored(value):
    observed = ObservedLag(keep=1)
    observed.take(b"", value)
    assert [family.samples for family in observed.collect()] == [[], [], []]
