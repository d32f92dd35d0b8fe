"""Each verdict and its near misses through the whole graph: as a batch, and as a stream in which time passes."""

from itertools import filterfalse
from random import Random
from typing import Any, NamedTuple
from uuid import uuid4

import apache_beam as beam
import orjson
import pytest
from apache_beam.options.pipeline_options import PipelineOptions, StandardOptions
from apache_beam.runners.direct.direct_runner import BundleBasedDirectRunner
from apache_beam.testing import test_stream
from apache_beam.transforms.window import TimestampedValue
from apache_beam.utils.timestamp import Timestamp

from pipeline.config.settings import Settings
from pipeline.graph import Sinks, build
from pipeline.sinks import WriteToMemory
from pipeline.sources import MemorySource, Read
from runners.direct import run_graph
from tests.histories import START, Item, any_trace
from tests.pipeline.test_graph import tracing_record
from tests.pure_run import final_findings
from tests.test_schemas import check
from tests.verdict_cases import (
    BLOCK_SIZE,
    COMPACTED_TOPICS,
    END,
    HEALTHY,
    MINUTE,
    NEVER_COMMITS,
    READ_TOPICS,
    SCENE,
    UNTRACED,
    Placed,
    missing_fields,
    scene_items,
)
from transforms.input.link_headers import HEADER
from transforms.input.record_batch import RecordBatch
from transforms.input.records import ACK, Header, HeaderLink, KafkaRecord

Json = dict[str, Any]
EACH_CASE = pytest.mark.parametrize("placed", SCENE, ids=[placed.case.name for placed in SCENE])
#: When views have looked for what was past retention at END.
LAST = END + 180 * MINUTE
SETTINGS = Settings(block_size=BLOCK_SIZE, locate_shards=8, trace_topics=READ_TOPICS, compacted_topics=COMPACTED_TOPICS)


class Written(NamedTuple):
    """What a run wrote: keys and values, in order."""

    traces: list[tuple[bytes, bytes]]
    findings: list[tuple[bytes, bytes]]
    stats: list[tuple[bytes, bytes]]

    def stats_of(self, placed: Placed, kind: str) -> list[Json]:
        """The last statistics of this topic."""
        last = {key: orjson.loads(value) for key, value in self.stats}
        return [value for value in last.values() if value.get("topic") == placed.topic and value["kind"] == kind]


def record(item: Item) -> KafkaRecord:
    """The record that an item comes from."""
    if not isinstance(item, HeaderLink):
        return tracing_record(item, 0)
    headers = () if item.correlation_id is None else (Header(HEADER, item.correlation_id.encode()),)
    return KafkaRecord(item.topic, item.partition, item.offset, item.timestamp, None, None, headers)


def is_trace(record: KafkaRecord) -> bool:
    return record.topic == "_tracing"


def sinks() -> tuple[Sinks, list[str]]:
    names = [str(uuid4()) for _ in Sinks._fields]
    return Sinks(*map(WriteToMemory, names)), names


def written(names: list[str]) -> Written:
    outputs = dict(zip(Sinks._fields, (WriteToMemory.records.pop(name, []) for name in names), strict=True))
    assert outputs["dead_letters"] == []
    return Written(outputs["traces"], outputs["findings"], outputs["stats"])


def judge(placed: Placed, findings: list[tuple[bytes, bytes]]) -> None:
    found = {value["id"]: value for value in placed.own(final_findings(value for _, value in findings).values())}
    assert set(placed.case.found) == set(found)
    assert missing_fields(placed.case.found, found) == {}


# A batch ------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module", params=[None, 7], ids=["in order", "shuffled"])
def batch(request: pytest.FixtureRequest) -> Written:
    items = scene_items()
    if request.param is not None:
        Random(request.param).shuffle(items)  # noqa: S311
    records = list(map(record, items))
    source = MemorySource(filter(is_trace, records), filterfalse(is_trace, records))
    outputs, names = sinks()
    run_graph(lambda pipeline: build(pipeline, source, outputs, SETTINGS))
    return written(names)


@EACH_CASE
def test_a_batch_gives_the_findings_of_each_history_and_no_others(placed, batch):
    judge(placed, batch.findings)


def test_all_outputs_of_a_batch_are_as_their_schemas_say(batch):
    check_all(batch)


def named(name: str) -> Placed:
    [placed] = [placed for placed in SCENE if placed.case.name == name]
    return placed


def test_of_a_producer_that_is_not_traced_only_the_coverage_tells(batch):
    [topic] = batch.stats_of(named(UNTRACED), "topic")
    assert topic["coverage"] == {"traced": 0, "offsets": 4, "ratio": 0}
    assert (topic["produced"], topic["unknownProduceTime"], topic["verdicts"]) == (4, 4, {})


def test_of_a_group_that_was_never_seen_committing_it_is_said_so(batch):
    [group] = batch.stats_of(named(NEVER_COMMITS), "group")
    assert group["commits"] == "none seen"
    assert (group["expected"], group["actual"], group["committed"]) == (1, 1, 0)


def test_of_a_healthy_topic_all_is_accounted_for_and_all_is_covered(batch):
    topics, groups = batch.stats_of(named(HEALTHY), "topic"), batch.stats_of(named(HEALTHY), "group")
    assert sum(topic["produced"] for topic in topics) == 300
    assert {topic["coverage"]["ratio"] for topic in topics} == {1}
    assert len(groups) == 2 * len(topics)
    for name, total in {"expected": 600, "actual": 600, "over": 0, "under": 0, "committed": 600}.items():
        assert sum(group[name] for group in groups) == total
    assert all(one["verdicts"] == {} for one in (*topics, *groups))


def test_an_unconsumed_message_is_under_consumed_in_the_minute_in_which_it_was_produced(batch):
    placed = next(placed for placed in SCENE if "unconsumed:g:topic:0:1" in placed.case.found)
    groups = [group for group in batch.stats_of(placed, "group") if group["groupId"] == "g"]
    assert sum(group["expected"] for group in groups) == 3
    [group] = [group for group in groups if group["under"]]
    assert (group["windowStart"], group["under"]) == ("2026-01-02T23:49:00.000Z", 1)
    assert group["verdicts"] == {"unconsumed": 1}


# A stream -----------------------------------------------------------------------------------------------------------


class _Stream:
    """The items in order of time; the watermark follows minute by minute, then reaches END, then LAST.

    At both ends a failed send says how far it is: what was told by then comes before it.
    """

    bounded = False

    def __init__(self, items: list[Item]) -> None:
        self._items = items

    def read(self, pipeline: beam.Pipeline) -> Read:
        stream = test_stream.TestStream().advance_watermark_to(Timestamp(START / 1000 - 1))
        minutes: dict[int, list[Item]] = {}
        for item in self._items:
            minutes.setdefault(item.timestamp // MINUTE * MINUTE, []).append(item)
        ends = [END, LAST]
        for minute in sorted({*minutes, *ends}):
            items = [*minutes.get(minute, []), *([_marker(minute)] if minute in ends else [])]
            timed = [TimestampedValue(RecordBatch.of([record(item)]), item.timestamp / 1000) for item in items]
            stream = stream.advance_watermark_to(Timestamp(minute / 1000)).add_elements(timed)
        batches = pipeline | stream
        messages = batches | "TakeMessages" >> beam.Filter(lambda batch: not has_traces(batch))
        return Read(batches | "TakeTraces" >> beam.Filter(has_traces), messages, None, None)


def has_traces(batch: RecordBatch) -> bool:
    return all(map(is_trace, batch.records()))


def _marker(minute: int) -> Item:
    return any_trace(type=ACK, id=str(minute), topic="marker", partition=-1, offset=-1, at=minute - START)


@pytest.fixture(scope="module")
def streamed() -> Written:
    options = PipelineOptions([])
    options.view_as(StandardOptions).streaming = True
    pipeline = beam.Pipeline(runner=BundleBasedDirectRunner(), options=options)
    outputs, names = sinks()
    build(pipeline, _Stream(scene_items()), outputs, SETTINGS)
    pipeline.run().wait_until_finish()
    return written(names)


def told_by(streamed: Written, time: int) -> list[tuple[bytes, bytes]]:
    """The findings that were told by this time."""
    ids = [orjson.loads(value)["id"] for _, value in streamed.findings]
    return streamed.findings[: ids.index(f"send-failed:{time}")]


@EACH_CASE
def test_a_stream_tells_the_findings_of_each_history_when_they_are_due_and_no_others(placed, streamed):
    is_forgotten = any(identity.startswith("unlinked:") for identity in placed.case.found)
    judge(placed, told_by(streamed, LAST if is_forgotten else END))


@EACH_CASE
def test_a_stream_resolves_what_no_longer_holds(placed, streamed):
    told = placed.own(orjson.loads(value) for _, value in told_by(streamed, END))
    closed = [value["id"] for value in told if "resolved" in value]
    assert closed == list(placed.case.resolves)


@pytest.mark.parametrize("placed", [placed for placed in SCENE if placed.case.waits], ids=lambda one: one.case.name)
def test_a_stream_tells_what_was_a_millisecond_too_early_when_its_time_has_come(placed, streamed):
    assert placed.own(orjson.loads(value) for _, value in told_by(streamed, END)) == []
    assert placed.own(orjson.loads(value) for _, value in told_by(streamed, LAST)) != []


def test_all_outputs_of_a_stream_are_as_their_schemas_say(streamed):
    check_all(streamed)


def check_all(run: Written) -> None:
    for name, records in zip(("aggregated-trace", "trace-anomaly", "trace-stats"), run, strict=True):
        assert records
        for key, value in records:
            check(name, orjson.loads(value), orjson.loads(key))
