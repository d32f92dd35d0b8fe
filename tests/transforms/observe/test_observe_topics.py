"""The step as a whole, on bounded input."""

import json
import struct
from typing import Any

import apache_beam as beam
from apache_beam.testing.test_pipeline import TestPipeline
from apache_beam.testing.util import assert_that

from tests.transforms.observe.test_consumer_offsets import commit_key, text
from transforms.input.record_batch import RecordBatch
from transforms.input.records import KafkaRecord
from transforms.observe.observe_topics import ObserveTopics
from transforms.observe.observed_batch import ObservedBatch
from transforms.state.batches import Records
from transforms.state.keep_view import FINDINGS
from transforms.state.waits import Waits

START = 1_700_000_040_000


def commit(offset: int, at: int, number: int) -> KafkaRecord:
    value = struct.pack(">hqi", 3, offset, 0) + text("") + struct.pack(">q", at)
    return KafkaRecord("__consumer_offsets", 0, number, at, commit_key(), value)


def group_with_a_member(at: int, number: int) -> KafkaRecord:
    """Of the consumer protocol."""
    member = (
        struct.pack(">h", 0)
        + b"\x00\x00"
        + b"\x02c"
        + b"\x02h"
        + b"\x01"
        + b"\x00"
        + struct.pack(">i", 1)
        + b"\x00\x00"
    )
    key = struct.pack(">h", 5) + text("billing") + text("m")
    return KafkaRecord("__consumer_offsets", 0, number, at, key, member)


def values(records: Records) -> list[dict[str, Any]]:
    return [json.loads(value) for _, value in records]


def test_positions_commits_and_members_become_statistics_and_findings():
    rows = [(offset, START + offset, False, 10) for offset in range(10)]
    positions = ObservedBatch.of(("orders", 3), 10, START, rows, [None] * 10)
    offsets = [
        commit(0, START, 0),
        group_with_a_member(START, 1),
        commit(8, START + 100, 2),
        commit(4, START + 200, 3),
        KafkaRecord("__consumer_offsets", 0, 4, START, b"what?", b"ever"),
    ]

    def check(records: list[dict[str, Any]]) -> None:
        [group] = [value for value in records if value["kind"] == "observedGroup"]
        [partition] = [value for value in records if value["kind"] == "observed"]
        assert (partition["messages"], partition["bytes"]) == (10, 100)
        counted = {name: group[name] for name in ("commitCount", "committed", "rewinds", "lag", "members", "lagMs")}
        assert counted == {"commitCount": 3, "committed": 8, "rewinds": 1, "lag": 6, "members": 1, "lagMs": 49_996}

    def check_found(found: list[str]) -> None:
        assert sorted(found) == ["rewound", "stalled"]

    with TestPipeline() as pipeline:
        end = pipeline | "End" >> beam.Create([START + 50_000])
        inputs = (
            pipeline | "Positions" >> beam.Create([positions], reshuffle=False),
            pipeline | "Commits" >> beam.Create([RecordBatch.of(offsets)], reshuffle=False),
        )
        step = ObserveTopics(Waits(stalled=10_000), lambda topic: topic == "orders", 60_000, end=end)
        seen = inputs | "ObserveTopics" >> step
        assert_that(seen.records | "Values" >> beam.FlatMap(values), check, "Records?")
        assert_that(seen[FINDINGS] | "Reasons" >> beam.Map(lambda found: found.reason), check_found, "Findings?")
