"""Every record that is written has a schema in docs/schemas, and is as its schema says."""

from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import orjson
import pytest
from jsonschema import Draft202012Validator
from msgspec import structs

from pipeline.config.settings import Settings, table
from runners.replay import replay
from tests.histories import any_trace
from tests.pure_run import PureRun
from tests.simulated import Plan, traffic
from tests.tracing_aggregator.explain.test_timeline import CASES
from tools.outputs_table import OUTPUTS, outputs_table
from tracing_aggregator.explain.document import document
from tracing_aggregator.explain.subject import subject_of
from tracing_aggregator.explain.timeline import timeline
from transforms.findings import findings
from transforms.input.dead_letters import PART_BYTES, DeadLetter, to_key_values
from transforms.input.records import SEND, KafkaRecord
from transforms.observe.observe_facts import Committed, MembersCounted, Positions
from transforms.observe.partition_view import ObservedPartitionView
from transforms.pathways.pathway_facts import Consumed, Sent, Trail
from transforms.pathways.pathway_record import record, work_out
from transforms.state.addresses import partition_key, skew_key, window_key
from transforms.state.waits import Waits
from transforms.stats.latency_sketch import LatencySketch
from transforms.stats.stats_facts import (
    BlockPlace,
    ClockBound,
    EdgeTallied,
    EdgeTally,
    FindingsCounted,
    GroupTallied,
    GroupTally,
    StatsFact,
    TopicTallied,
    TopicTally,
)
from transforms.stats.stats_view import StatsView

ROOT = Path(__file__).parent.parent
SCHEMAS = ROOT / "docs" / "schemas"
DATA = ROOT / "tests" / "data"
NAMES = [path.stem for path in sorted(SCHEMAS.glob("*.json"))]

Json = dict[str, Any]


def schema(name: str) -> Json:
    read: Json = orjson.loads((SCHEMAS / f"{name}.json").read_bytes())
    return read


def check(name: str, value: Json, key: Json | None = None) -> None:
    """Raises a jsonschema error that names the field."""
    described = schema(name)
    Draft202012Validator(described).validate(value)
    if key is not None:
        Draft202012Validator(described["x-key"]).validate(key)


def properties(part: Any, path: str = "") -> Iterator[tuple[str, Json]]:
    """All properties of a schema, those of parts of it too, by where they are."""
    if isinstance(part, list):
        for number, one in enumerate(part):
            yield from properties(one, f"{path}/{number}")
    elif isinstance(part, dict):
        for name, inner in part.items():
            if name == "properties" and not path.endswith("/if"):
                yield from ((f"{path}/{field}", described) for field, described in inner.items())
            yield from properties(inner, f"{path}/{name}")


# The schemas themselves ---------------------------------------------------------------------------------------------


def test_there_is_a_schema_of_each_output():
    assert {*OUTPUTS, "explain", "raw-trace"} == set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_a_schema_is_valid_and_describes_every_field(name):
    described = schema(name)
    Draft202012Validator.check_schema(described)
    assert described["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert described["title"]
    assert described["description"]
    fields = list(properties(described))
    assert fields
    assert [where for where, field in fields if not field.get("description")] == []


@pytest.mark.parametrize("setting", [name for name in table() if name.endswith(".topic") and name != "tracing.topic"])
def test_every_topic_that_is_written_has_a_schema_that_names_its_setting_and_its_default(setting):
    topics = {described["x-topic-setting"]: described["x-topic"] for described in map(schema, OUTPUTS)}
    assert topics[setting] == table()[setting].default


def test_the_schema_of_findings_knows_every_reason():
    names = {name for name in vars(findings) if name.isupper() and isinstance(getattr(findings, name), str)}
    assert {getattr(findings, name) for name in names} == set(schema("trace-anomaly")["properties"]["reason"]["enum"])


@pytest.mark.parametrize("name", OUTPUTS[1:])
def test_a_record_with_a_field_that_is_not_described_is_refused(name):
    assert not Draft202012Validator(schema(name)).is_valid({**SAMPLES[name], "surprise": 1})
    check(name, SAMPLES[name])


SAMPLES: dict[str, Json] = {
    "trace-anomaly": {"id": "unacked:s:0:1", "reason": "unacked"},
    "trace-stats": {
        "kind": "clockSkew", "clients": ["a", "b"], "windowStart": "2026-01-01T00:00:00.000Z", "lowerMs": None,
        "upperMs": 3,
    },
    "trace-pathway": {
        "correlationId": "c", "origin": {"topic": "orders"}, "complete": True,
        "hops": [{"toTopic": "invoices", "sentBy": "p", "sentAt": "2026-01-01T00:00:00.000Z"}],
    },
    "dead-letter": {
        "id": "_tracing/0/1", "reason": "not-json", "detail": "…", "topic": "_tracing", "partition": 0, "offset": 1,
        "timestamp": 5, "key": None, "value": "eA==",
    },
}  # fmt: skip


def test_the_table_in_the_readme_links_to_every_schema():
    shown = outputs_table(SCHEMAS)
    assert shown.count("\n") == len(OUTPUTS) + 2
    assert "| `_traceAnomaly` (`anomaly.topic`) | `{id}` | What went wrong" in shown
    assert "`{topic, partition?, offset?, groupId?, correlationId?}`" in shown
    assert shown in (ROOT / "README.md").read_text(encoding="utf-8")


# What is written ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("extra", [[], [str(DATA / "real_messages.jsonl")]])
def test_every_output_of_a_replay_of_genuine_traces_is_as_its_schema_says(tmp_path, extra):
    replay([str(DATA / "real_traces.jsonl"), *extra], tmp_path, Settings(cluster_name="blue"))
    by_topic = {schema(name)["x-topic"]: name for name in OUTPUTS}
    checked = 0
    for path in tmp_path.iterdir():
        for line in path.read_bytes().splitlines():
            envelope = orjson.loads(line)
            check(by_topic[path.stem], orjson.loads(envelope["payload"]), orjson.loads(envelope["key"]))
            checked += 1
    assert checked > 300


@pytest.mark.parametrize("seed", range(6))
def test_every_record_and_finding_of_any_history_is_as_its_schema_says(seed):
    items = traffic(Plan(seed, 80, partitions=2))
    Random(seed).shuffle(items)  # noqa: S311
    run = PureRun(cluster="blue" if seed % 2 else "", exact=seed == 3)
    run.feed(items)
    run.finish()
    assert run.records
    for key, value in run.records:
        check("aggregated-trace", value, key)
    for found in run.findings:
        check("trace-anomaly", orjson.loads(found.value), orjson.loads(found.key))


def test_fields_that_we_do_not_know_pass_through_the_schema_of_aggregated_traces():
    run = PureRun()
    run.feed([any_trace(type=SEND, extra={"team": "shop"}), any_trace(id="read", at=1)])
    run.finish()
    [sent] = [value for _, value in run.records if "team" in value]
    check("aggregated-trace", sent)


def written_of(key: bytes, *facts: StatsFact) -> list[tuple[Json, Json]]:
    """Statistics: after these facts, when all is withdrawn, when all is said again, and until it is final."""
    view = StatsView(key, Waits(), "blue")
    gone = [structs.replace(fact, tally=None) for fact in facts if hasattr(fact, "tally")]
    records = []
    for number, batch in enumerate([facts, gone, facts], 60):
        told = [structs.replace(fact, newest=number * 1_000, sequence=number) for fact in batch]
        records += view.on_facts(told).records
    while (due := view.deadline()) is not None:
        records += view.on_time(due).records
    return [(orjson.loads(key), orjson.loads(value)) for key, value in records]


def test_statistics_are_as_their_schema_says():
    latencies = LatencySketch()
    for latency in (-3, 10, 20):
        latencies.add(latency)
    place = BlockPlace(0, 0)
    topic = TopicTally(produced=3, sent=3, acked=2, unknown_produce_time=1, traced=3, span=(0, 5), ack=latencies)
    group = GroupTally(expected=3, actual=2, over=1, under=1, committed=2)
    committing = structs.replace(group, commits_seen=1, consume=latencies, commit=latencies)
    facts = [
        TopicTallied(place, topic, 0, 0),
        GroupTallied(place, "g", committing, 0, 0),
        GroupTallied(place, "h", group, 0, 0),
        FindingsCounted("unacked", None, 1, 0, 0),
        FindingsCounted("unconsumed", "g", 2, 0, 0),
        EdgeTallied("0", "from", "g", EdgeTally(count=2, residence=latencies), 0, 0),
    ]

    def bound(of: str, over: str, ms: int) -> ClockBound:
        return ClockBound("0", of, over, ms, 0, 0)

    records = written_of(window_key("orders", 60_000), *facts)
    records += written_of(skew_key("a", "b", 3_600_000), bound("a", "b", 5), bound("b", "a", 3))
    records += written_of(skew_key("a", "b", 3_600_000), bound("a", "b", -5), bound("b", "a", 3))
    records += written_of(skew_key("a", "b", 3_600_000), bound("a", "b", 5))
    for key, value in records:
        check("trace-stats", value, key)
    assert {value["kind"] for _, value in records} == {"topic", "group", "edge", "clockSkew"}
    assert all(any(mark in value for _, value in records) for mark in ("final", "withdrawn"))


def test_what_is_observed_without_traces_is_as_the_schemas_say():
    view = ObservedPartitionView(partition_key("orders", 0), Waits(stalled=1_000), "blue")
    offsets, times = np.arange(9), 60_000 + np.arange(9)
    positions = Positions(offsets.tobytes(), times.tobytes(), 12, 61_000, [(60_000, 9, 90, 3, 5)])
    told = view.on_facts(
        [
            positions,
            *(Committed("g", offset, 60_500, sequence) for sequence, offset in enumerate((2, 7, 4))),
            *(Committed("h", 0, 60_500, 3), MembersCounted("g", 1, 2, 3)),
        ]
    )
    records, found = list(told.records), told.findings
    while (due := view.deadline()) is not None and due < 90_000_000:
        outputs = view.on_time(due)
        records += outputs.records
        found += outputs.findings
    values = [orjson.loads(value) for _, value in records]
    for (key, _), value in zip(records, values, strict=True):
        check("trace-stats", value, orjson.loads(key))
    assert {value["kind"] for value in values} == {"observed", "observedGroup"}
    assert any("final" in value for value in values)
    for each in found:
        check("trace-anomaly", orjson.loads(each.value), orjson.loads(each.key))
    assert {each.reason for each in found} == {findings.REWOUND, findings.STALLED}


@pytest.mark.parametrize(
    "facts",
    [
        [Sent(0, "a", "p"), Consumed(10, "a", "c", "g"), Sent(20, "b", "c"), Consumed(30, "b", "d", "h")],
        [Sent(0, "a", "p"), Consumed(10, "a", "c", "g"), Consumed(11, "a", "d", "h"), Sent(20, "b", "x")],
        [Consumed(10, "a", "c", "g"), Consumed(30, "b", "d", "h")],
        [Sent(0, "a", "p"), Sent(20, "b", "x")],
    ],
)
def test_pathways_are_as_their_schema_says(facts):
    trail = Trail()
    for fact in facts:
        trail.add(fact)
    pathway = work_out(trail)
    assert pathway is not None
    for key, value in (
        record("c", pathway, complete=True, revision=1),
        record("c", pathway, complete=False, revision=2, cluster="blue"),
    ):
        check("trace-pathway", orjson.loads(value), orjson.loads(key))


@pytest.mark.parametrize("value", [None, b"{", b"x" * (PART_BYTES + 1)])
def test_dead_letters_are_as_their_schema_says(value):
    letter = DeadLetter(KafkaRecord("_tracing", 0, 7, -1, None, value), "not-json", "it is not")
    for key, envelope in to_key_values(letter):
        check("dead-letter", orjson.loads(envelope), orjson.loads(key))


@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
def test_explanations_are_as_their_schema_says(case):
    shown = timeline(case.records, case.findings, subject_of("c"))
    check("explain", document(shown, ["somewhere"]))
    check("explain", document(timeline([], [], subject_of("c")), []))
