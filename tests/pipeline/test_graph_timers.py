"""The graph on a stream: which timers fire, when, and what is forgotten."""

from typing import Any
from uuid import uuid4

import apache_beam as beam
import orjson
from apache_beam.options.pipeline_options import PipelineOptions, StandardOptions
from apache_beam.runners.direct.direct_runner import BundleBasedDirectRunner
from apache_beam.testing import test_stream
from apache_beam.transforms.window import TimestampedValue
from apache_beam.utils.timestamp import Timestamp

from pipeline.config.settings import Settings
from pipeline.graph import Sinks, build
from pipeline.sinks import WriteToMemory
from pipeline.sources import Read
from tests.histories import START, any_trace, changed, value_of
from transforms.input.record_batch import RecordBatch
from transforms.input.records import ACK, COMMIT, CONSUME, SEND, KafkaRecord
from transforms.input.traces import Trace

DAY = 86_400_000


class _Stream:
    """A source that never ends: traces, and the times (ms after START) that the watermark reaches."""

    bounded = False

    def __init__(self, steps: tuple[Trace | int, ...]) -> None:
        self._steps = steps

    def read(self, pipeline: beam.Pipeline) -> Read:
        stream = test_stream.TestStream().advance_watermark_to(Timestamp(START / 1000 - 1))
        for offset, step in enumerate(self._steps):
            if isinstance(step, int):
                stream = stream.advance_watermark_to(Timestamp((START + step) / 1000))
            else:
                value = orjson.dumps(value_of(step))
                record = KafkaRecord("_tracing", 0, offset, step.timestamp, b"", value)
                batch = RecordBatch.of([record])
                stream = stream.add_elements([TimestampedValue(batch, step.timestamp / 1000)])
        messages = pipeline | "CreateMessages" >> beam.Create([])
        return Read(pipeline | stream, messages, None, None)


def streamed(*steps: Trace | int, **settings: Any) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """The records and findings of a stream, in the order in which they were written."""
    names = [str(uuid4()) for _ in Sinks._fields]
    options = PipelineOptions([])
    options.view_as(StandardOptions).streaming = True
    pipeline = beam.Pipeline(runner=BundleBasedDirectRunner(), options=options)
    build(pipeline, _Stream(steps), Sinks(*map(WriteToMemory, names)), Settings(**settings))
    pipeline.run().wait_until_finish()
    outputs = [[orjson.loads(value) for _, value in WriteToMemory.records.pop(name, [])] for name in names]
    return outputs[0], outputs[1]


def told(records: list[dict[str, Any]]) -> list[tuple[str, int]]:
    """Ids and revisions, in the order in which they were written."""
    return [(record["id"], record.get("revision", 1)) for record in records]


SENT = any_trace(type=SEND, id="s", at=0, correlation_id="x")
ACKED = any_trace(type=ACK, id="a", at=10)
CONSUMED = any_trace(type=CONSUME, id="c", at=50, correlation_id="x")
COMMITTED = any_trace(type=COMMIT, id="k", at=60)


def test_partners_that_are_in_time_leave_at_once_and_once():
    records, _ = streamed(SENT, ACKED, CONSUMED, COMMITTED, 1_000)
    assert sorted(told(records[:3])) == [("a", 1), ("c", 1), ("s", 1)]
    assert told(records[3:]) == [("k", 1)]


def test_a_hold_that_ends_releases_a_trace_without_its_partners_and_a_late_partner_revises_it():
    records, _ = streamed(CONSUMED, 20_000, SENT, 30_000)
    assert told(records) == [("c", 1), ("s", 1), ("c", 2)]
    assert "durationMs" not in records[0]
    assert records[2]["durationMs"] == 50


def test_a_hold_lasts_as_long_as_its_setting():
    records, _ = streamed(CONSUMED, 20_000, SENT, 30_000, hold_consume_ms=40_000)
    assert told(records) == [("s", 1), ("c", 1)]


def test_each_hold_of_a_key_ends_in_its_own_time():
    first = any_trace(id="c1", at=0, offset=1, correlation_id="y")
    second = any_trace(id="c2", at=5_000, offset=2, correlation_id="z")
    late = any_trace(type=SEND, id="s2", at=4_900, correlation_id="z")
    records, _ = streamed(first, second, 11_000, late, 30_000)
    assert told(records) == [("c1", 1), ("s2", 1), ("c2", 1)]


def test_an_unlocated_send_leaves_when_its_hold_ends_and_again_when_it_is_found():
    consumed = any_trace(type=CONSUME, id="c", at=301_500, correlation_id="x")
    records, _ = streamed(SENT, 301_000, consumed, 400_000)
    assert told(records) == [("s", 1), ("s", 2), ("c", 1)]
    assert "offset" not in records[0]
    assert records[1]["offset"] == 0


def test_a_commit_waits_for_the_reorder_time_and_settles_what_came_before_it_by_date():
    earlier = any_trace(type=COMMIT, id="k0", at=55)
    records, _ = streamed(CONSUMED, COMMITTED, 2_000, earlier, 10_000)
    commits = [record for record in records if record["type"] == "COMMIT"]
    assert [(commit["id"], commit.get("durationMs"), commit.get("repeated")) for commit in commits] == [
        ("k0", 5, None), ("k", None, True),
    ]  # fmt: skip


def test_a_send_that_is_never_acknowledged_is_found_when_its_time_is_over_and_resolved_by_a_late_ack():
    _, findings = streamed(SENT, CONSUMED, 119_000, 130_000, ACKED, 140_000)
    assert [(found["id"], found.get("resolved", False)) for found in findings] == [
        ("unacked:s:0:0", False), ("unacked:s:0:0", True),
    ]  # fmt: skip


def test_within_retention_a_late_partner_still_joins():
    records, _ = streamed(CONSUMED, DAY - 10_000, SENT, DAY)
    assert told(records) == [("c", 1), ("s", 1), ("c", 2)]


def test_a_message_is_kept_until_its_minute_is_past_retention():
    again = any_trace(id="c2", at=DAY + 50_000, correlation_id="x")
    records, _ = streamed(CONSUMED, 20_000, DAY, DAY + 45_000, again, DAY + 65_000)
    assert [(record["id"], record["deliveryCount"]) for record in records] == [("c", 1), ("c2", 2)]


def test_after_retention_everything_is_forgotten():
    records, _ = streamed(CONSUMED, 20_000, DAY, DAY + 75_000, DAY + 80_000, CONSUMED, DAY + 500_000)
    assert told(records) == [("c", 1), ("c", 1)]


def test_what_never_found_its_partner_is_unlinked_when_retention_ends():
    lonely = any_trace(type=ACK, id="a", at=10, offset=5)
    _, findings = streamed(SENT, lonely, DAY - 20_000, DAY + 20_000)
    assert sorted(found["id"] for found in findings) == ["unlinked:a", "unlinked:s"]


def test_state_is_forgotten_though_new_facts_keep_coming():
    hours = [
        any_trace(id=f"c{hour}", at=hour * 3_600_000, offset=hour, correlation_id=f"x{hour}") for hour in (0, 20, 30)
    ]
    again = [changed(trace, timestamp=START + 40 * 3_600_000) for trace in hours]
    records, _ = streamed(*hours[:2], 21 * 3_600_000, hours[2], 40 * 3_600_000, *again, 41 * 3_600_000)
    ids = [identity for identity, _ in told(records)]
    assert (ids.count("c0"), ids.count("c20"), ids.count("c30")) == (2, 1, 1)
