"""The whole graph on Beam's engine for tests: the same outputs as the pure run and the reference."""

from collections import Counter
from pathlib import Path
from random import Random
from typing import Any
from uuid import uuid4

import orjson
import pytest

from pipeline.config.settings import Settings
from pipeline.envelope import from_line
from pipeline.graph import Sinks, build, waits_of
from pipeline.sinks import WriteToMemory
from pipeline.sources import MemorySource
from runners.direct import run_graph
from tests.histories import START, Item, any_trace, value_of
from tests.pure_run import PureRun, Record, final_findings, final_records
from tests.reference import expected
from tests.simulated import Plan, traffic
from transforms.input.link_headers import header_link
from transforms.input.records import ACK, COMMIT, CONSUME, SEND, Header, HeaderLink, KafkaRecord
from transforms.input.strict_parser import Refused, parse_trace
from transforms.input.traces import Trace

DATA = Path(__file__).parent.parent / "data"


class Ran:
    """What a run of the graph wrote and counted."""

    def __init__(self, traces: list[KafkaRecord], messages: list[KafkaRecord] = (), **settings: Any) -> None:
        run = str(uuid4())
        names = [f"{run}-{output}" for output in Sinks._fields]
        source = MemorySource(traces, messages)
        sinks = Sinks(*map(WriteToMemory, names))
        self.counts: Counter[str] = run_graph(lambda pipeline: build(pipeline, source, sinks, Settings(**settings)))
        outputs = [WriteToMemory.records.pop(name, []) for name in names]
        self.records: list[Record] = [(orjson.loads(key), orjson.loads(value)) for key, value in outputs[0]]
        self.findings = final_findings(value for _, value in outputs[1])
        self.letters = [orjson.loads(value) for _, value in outputs[2]]
        self.stats = {key: orjson.loads(value) for key, value in outputs[3]}


def tracing_record(trace: Trace, offset: int) -> KafkaRecord:
    return KafkaRecord("_tracing", 0, offset, trace.timestamp, b"key", orjson.dumps(value_of(trace)))


def inputs(items: list[Item]) -> tuple[list[KafkaRecord], list[KafkaRecord]]:
    """The records of the tracing topic and of the business topics that these items come from."""
    traces = [tracing_record(item, number) for number, item in enumerate(items) if isinstance(item, Trace)]
    messages = [
        KafkaRecord(
            link.topic, link.partition, link.offset, link.timestamp, None, None,
            (Header("correlationId", link.correlation_id.encode()),),
        )
        for link in items
        if isinstance(link, HeaderLink)
    ]  # fmt: skip
    return traces, messages


def real(name: str) -> list[KafkaRecord]:
    return [from_line(line) for line in (DATA / name).read_bytes().splitlines()]


@pytest.mark.parametrize("seed", [1, 2])
@pytest.mark.parametrize("block_size", [8, 1024])
def test_the_graph_writes_what_the_pure_run_and_the_reference_say(seed, block_size):
    items = traffic(Plan(seed, 220, partitions=3))
    Random(seed).shuffle(items)  # noqa: S311
    ran = Ran(*inputs(items), block_size=block_size, locate_shards=8, cluster_name="blue")
    end = max(item.timestamp for item in items)
    waits = waits_of(Settings())
    reference = expected(items, block_size=block_size, waits=waits, cluster="blue", end=end)
    assert reference.records == final_records(ran.records)
    assert reference.findings == ran.findings
    pure = PureRun(block_size=block_size, waits=waits, cluster="blue")
    pure.feed(items)
    pure.finish()
    assert pure.final_records() == final_records(ran.records)
    assert pure.final_findings(end) == ran.findings


def test_everything_that_is_received_is_accounted_for():
    items = traffic(Plan(4, 60))
    traces, messages = inputs(items)
    garbage = [
        KafkaRecord("_tracing", 0, 10_000 + n, START, b"k", value) for n, value in enumerate([None, b"", b"{", b"[]"])
    ]
    other = tracing_record(any_trace(type=COMMIT, topic="other"), 30_000)
    ran = Ran([*traces, *garbage, other], messages, topics_exclude="other")
    counts = ran.counts
    assert counts["received"] == len(traces) + len(garbage) + 1
    assert counts["received"] == counts["parsed"] + counts["dead_lettered"] + counts["not_followed"]
    assert (counts["dead_lettered"], counts["not_followed"]) == (len(garbage), 1)
    assert counts["parsed"] == counts["emitted"] + counts["duplicates"]
    assert len(ran.records) == counts["emitted"] + counts["range_commits"] + counts["revisions"]


def test_garbage_of_every_kind_leaves_good_records_untouched_and_is_not_lost():
    items = traffic(Plan(9, 40))
    traces, messages = inputs(items)
    random = Random(3)  # noqa: S311
    good = orjson.dumps(value_of(any_trace()))
    bad = [None, b"", b"\xff", b"{}", b"nope", b"[1]", good[:-1], good.replace(b"CONSUME", b"CONSUMED"), b"x" * 700_000]
    bad += [b'{"a":' * 800 + b"1" + b"}" * 800, good.replace(b"2026", b"2126"), random.randbytes(500)]
    bad += [b'{"deep":' + b"[" * 400 + b"]" * 400 + b"," + good[1:]]
    garbage = [KafkaRecord("_tracing", 1, n, START, None, value) for n, value in enumerate(bad)]
    garbage += [KafkaRecord("_tracing", 1, len(bad), 2**62, None, good)]
    clean, mixed = Ran(traces, messages), Ran(random.sample([*traces, *garbage], len(traces) + len(garbage)), messages)
    assert final_records(clean.records) == final_records(mixed.records)
    assert sorted({letter["offset"] for letter in mixed.letters}) == list(range(len(garbage)))
    assert clean.letters == []


@pytest.mark.parametrize("with_headers", [False, True])
@pytest.mark.parametrize("shuffled", [False, True])
def test_genuine_traces_leave_exactly_once_per_id_in_any_order(with_headers, shuffled):
    records, messages = real("real_traces.jsonl"), real("real_messages.jsonl") if with_headers else []
    if shuffled:
        Random(5).shuffle(records)  # noqa: S311
    ran = Ran(records, messages)
    ids = Counter(value["id"] for _, value in ran.records)
    assert set(ids.values()) == {1}
    raw = {orjson.loads(record.value)["id"] for record in records}
    assert raw == {identity for identity in ids if identity.count(":") == 0}
    assert all("revision" not in value for _, value in ran.records)
    items = [parse_trace(record.value, record.timestamp, 3_600_000) for record in records]
    assert not any(isinstance(item, Refused) for item in items)
    items += [header_link(message) for message in messages]
    reference = expected(items, block_size=1024, end=max(item.timestamp for item in items))
    assert reference.records == final_records(ran.records)
    assert reference.findings == ran.findings == {}


def test_genuine_traces_have_the_fields_that_their_clients_imply():
    ran = Ran(real("real_traces.jsonl"))
    values = [value for _, value in ran.records]
    assert Counter((value["type"], value.get("groupId")) for value in values) == {
        (SEND, None): 48, (ACK, None): 48, (CONSUME, "groupA"): 48, (CONSUME, "groupB"): 48,
        (COMMIT, "groupA"): 50, (COMMIT, "groupB"): 64,
    }  # fmt: skip
    assert all(value["durationMs"] >= 0 for value in values if value["type"] in {ACK, CONSUME})
    assert {value["deliveryCount"] for value in values if value["type"] == CONSUME} == {1}
    settled = [value for value in values if value["type"] == COMMIT and 0 <= value["offset"] < 24]
    everywhere = [(partition, offset) for partition in (1, 3) for offset in range(24)]
    for group in ("groupA", "groupB"):
        assert everywhere == sorted((v["partition"], v["offset"]) for v in settled if v["groupId"] == group)
    assert all("correlationId" in value and "durationMs" in value for value in settled)
    own = [v for v in values if v["type"] == COMMIT and v["offset"] != -1 and ":" not in v["id"]]
    assert not any("settledBy" in value for value in own)
    assert {(v["groupId"], v["partition"], v["offset"]): "durationMs" in v for v in own} == {
        ("groupA", 3, 2): True, ("groupA", 1, 6): True, ("groupA", 1, 16): True, ("groupA", 3, 7): True,
        ("groupA", 1, 204): False, ("groupA", 3, 57): False, ("groupB", 1, 102): False, ("groupB", 3, 18): True,
        ("groupB", 3, 107): False,
    }  # fmt: skip


def test_in_exact_mode_only_commits_at_delivered_offsets_have_a_duration():
    ran = Ran(real("real_traces.jsonl"), commit_mode="exact")
    commits = [value for _, value in ran.records if value["type"] == COMMIT]
    assert not any("settledBy" in value for value in commits)
    assert sorted(value["offset"] for value in commits if "durationMs" in value) == [2, 6, 7, 16, 18]
    assert len(commits) == 23


def test_without_input_there_is_no_output():
    ran = Ran([])
    assert (ran.records, ran.findings, ran.letters) == ([], {}, [])


def test_a_finding_that_the_input_does_not_reach_is_not_written():
    sent = [any_trace(type=SEND, id="s", correlation_id="x"), any_trace(id="c", correlation_id="x", at=500)]
    later = any_trace(id="later", offset=9, correlation_id="y", at=120_000)
    assert Ran(inputs(sent)[0]).findings == {}
    assert set(Ran(inputs([*sent, later])[0]).findings) == {"unacked:s:0:0"}


def test_a_send_that_is_nowhere_in_a_topic_whose_headers_are_read_was_not_in_the_log():
    items = [any_trace(type=SEND, id="s", correlation_id="x"), any_trace(id="later", at=90_000_000, topic="other")]
    ran = Ran(inputs(items)[0], trace_topics="topic")
    assert ran.findings["unlinked:s"]["inLog"] is False
    end = items[-1].timestamp
    assert ran.findings == expected(items, block_size=1024, end=end, read_topics=("topic",)).findings
