"""PackByKey: which views an input concerns."""

from collections import defaultdict
from collections.abc import Iterable
from typing import Any

import numpy as np
import orjson
import pytest
from apache_beam import pvalue
from apache_beam.utils.windowed_value import WindowedValue

from tests.histories import START, any_trace
from tests.packed import packs_of
from transforms.findings.findings import Finding
from transforms.input import pack_by_key
from transforms.input.pack_by_key import _Pack
from transforms.input.records import ACK, COMMIT, CONSUME, HEADER_READER, SEND, HeaderLink
from transforms.input.traces import Trace
from transforms.state.facts import HeaderLinks, ProducerAnswered
from transforms.state.group_facts import BlockSeen, GroupCommitted, GroupRead

BLOCK = ("join", b'["topic",0,1]')
GROUP = ("order", b'["group","topic",0]')
PARTITION = ("follow", b'["topic",0]')
TOPIC = ("produce", b'"topic"')
SHARD = ("locate", b"0")


def packed(*items: Trace | HeaderLink) -> tuple[dict[tuple[str, bytes], list[Any]], list[dict], list[dict]]:
    """What leaves a bundle of these items: facts by destination and key; records; findings."""
    step = _Pack(1, 4, "blue")
    step.start_bundle()
    return sorted_out([*step.process(items), *step.finish_bundle()])


def sorted_out(outputs: Iterable[Any]) -> tuple[dict[tuple[str, bytes], list[Any]], list[dict], list[dict]]:
    facts: dict[tuple[str, bytes], list[Any]] = defaultdict(list)
    records, findings = [], []
    for output in outputs:
        if isinstance(output, WindowedValue):
            records += [orjson.loads(value) for _, value in output.value]
        elif isinstance(output, pvalue.TaggedOutput) and isinstance(output.value.value, Finding):
            findings.append(orjson.loads(output.value.value.value))
        else:
            [pack] = packs_of([output])
            facts[pack.kind, pack.key] += pack.facts
    return dict(facts), records, findings


def kinds(*items: Trace | HeaderLink) -> dict[tuple[str, bytes], list[str]]:
    """Types of the facts only."""
    return {address: [type(fact).__name__ for fact in facts] for address, facts in packed(*items)[0].items()}


@pytest.mark.parametrize(
    ("item", "routed"),
    [
        (any_trace(type=SEND), {SHARD: ["SentColumns"]}),
        (
            any_trace(type=ACK, offset=5),
            {BLOCK: ["Acks"], PARTITION: ["BlockSeen", "ProducerAnswered"], TOPIC: ["ProducerAnswered"]},
        ),
        (
            any_trace(type=ACK, offset=5, correlation_id="x"),
            {
                BLOCK: ["Acks"], SHARD: ["SeenColumns"], PARTITION: ["BlockSeen", "ProducerAnswered"],
                TOPIC: ["ProducerAnswered"],
            },
        ),
        (any_trace(type=ACK, partition=-1, offset=-1, correlation_id="x"), {SHARD: ["SendFailed"]}),
        (any_trace(type=ACK, offset=-1, extra={"error": "E"}, correlation_id="x"), {SHARD: ["SendFailed"]}),
        (any_trace(type=ACK, partition=-1, offset=-1), {}),
        (any_trace(type=ACK, offset=-1), {TOPIC: ["AckWithoutOffset"], PARTITION: ["ProducerAnswered"]}),
        (
            any_trace(type=ACK, offset=-1, correlation_id="x"),
            {TOPIC: ["AckWithoutOffset"], SHARD: ["SeenColumns"], PARTITION: ["ProducerAnswered"]},
        ),
        (
            any_trace(type=CONSUME, offset=5),
            {BLOCK: ["Reads"], SHARD: ["SeenColumns"], GROUP: ["ReadInterval"], PARTITION: ["GroupRead"]},
        ),
        (any_trace(type=COMMIT, offset=5), {GROUP: ["RawCommits"], PARTITION: ["GroupCommitted"]}),
        (any_trace(type=COMMIT, offset=-1), {GROUP: ["RawCommits"], PARTITION: ["GroupCommitted"]}),
        (
            HeaderLink("topic", 0, 5, "x", 7),
            {BLOCK: ["HeaderLinks"], SHARD: ["SeenColumns"], PARTITION: ["GroupRead"]},
        ),
        (HeaderLink("topic", 0, 5, None, 7), {BLOCK: ["HeaderLinks"], PARTITION: ["GroupRead"]}),
    ],
)  # fmt: skip
def test_each_input_goes_to_the_views_that_need_it_and_to_no_other(item, routed):
    assert routed == kinds(item)


def test_a_failed_send_leaves_as_it_is_with_a_finding_and_gathers_under_no_key():
    failed = any_trace(type=ACK, id="a", partition=-1, offset=-1, extra={"error": "TIMEOUT"})
    facts, records, findings = packed(failed)
    assert facts == {}
    assert [(record["id"], record["partition"], record["offset"], record["cluster"]) for record in records] == [
        ("a", -1, -1, "blue")
    ]
    assert [(found["id"], found["error"]) for found in findings] == [("send-failed:a", "TIMEOUT")]


def test_a_producer_that_asks_for_no_offset_has_not_failed():
    _, records, findings = packed(any_trace(type=ACK, id="a", partition=3, offset=-1))
    assert [(record["id"], record["partition"], record["offset"]) for record in records] == [("a", 3, -1)]
    assert findings == []


def test_a_bundle_tells_once_per_block_where_a_group_read():
    items = [any_trace(id=f"c{offset}", offset=offset, at=at) for offset, at in [(5, 30), (7, 10), (6, 90), (8, 1)]]
    reads = packed(*items)[0][GROUP]
    assert [(one.block, one.low, one.high, one.timestamp) for one in reads] == [
        (1, 5, 7, START + 90), (2, 8, 8, START + 1),
    ]  # fmt: skip


def test_a_bundle_tells_once_per_block_which_group_was_there_from_which_offset_and_when():
    spread = [(5, 30), (7, 10), (6, 90), (8, 1)]
    items = [any_trace(id=f"c{offset}", offset=offset, at=at) for offset, at in spread]
    items += [any_trace(type=COMMIT, id=f"k{offset}", offset=offset, at=at) for offset, at in spread]
    items += [HeaderLink("topic", 0, offset, None, START + at) for offset, at in spread]
    items += [any_trace(type=ACK, id=f"a{offset}", offset=offset, at=at) for offset, at in spread]
    told = packed(*items)[0][PARTITION]
    ranges = [(1, 5, START + 10, START + 90, START + 90), (2, 8, START + 1, START + 1, START + 1)]
    expected = [GroupRead(group, *reach) for group in ("group", HEADER_READER) for reach in ranges]
    expected += [GroupCommitted("group", *reach) for reach in ranges]
    expected += [BlockSeen(1, START + 90), BlockSeen(2, START + 1), ProducerAnswered("client", START + 90, places=True)]
    assert sorted(map(repr, told)) == sorted(map(repr, expected))


def test_what_a_bundle_tells_of_groups_holds_back_no_time_later_than_its_first_fact():
    step = _Pack(1, 4)
    step.start_bundle()
    list(step.process([any_trace(type=COMMIT, id="k1", at=50)]))
    list(step.process([any_trace(type=COMMIT, id="k2", at=20)]))
    times = [pack.timestamp for pack in packs_of(step.finish_bundle()) if pack.kind == "follow"]
    assert times == [(START + 20) / 1000]


def test_a_record_without_a_correlation_id_proves_its_offset_and_names_nothing():
    offset, timestamp = (np.array([number], np.int64).tobytes() for number in (5, 7))
    assert packed(HeaderLink("topic", 0, 5, None, 7))[0][BLOCK] == [HeaderLinks(offset, timestamp, [None])]


def test_traces_of_several_batches_leave_together_at_the_end_of_the_bundle():
    step = _Pack(1, 4)
    step.start_bundle()
    assert [*step.process([any_trace(id="c1", offset=5)]), *step.process([any_trace(id="c2", offset=6)])] == []
    [reads] = sorted_out(step.finish_bundle())[0][BLOCK]
    assert reads.ids == ["c1", "c2"]


def test_a_new_bundle_begins_with_nothing():
    step = _Pack(1, 4)
    step.start_bundle()
    list(step.process([any_trace()]))
    step.start_bundle()
    assert list(step.finish_bundle()) == []


def test_a_bundle_of_many_traces_sends_what_it_has_on_the_way(monkeypatch):
    monkeypatch.setattr(pack_by_key, "MAX_TRACES", 6)
    step = _Pack(1, 4)
    step.start_bundle()
    commits = [any_trace(type=COMMIT, id=f"k{number}") for number in range(8)]
    assert list(step.process(commits[:4])) == []
    [early] = sorted_out(step.process(commits[4:]))[0][GROUP]
    assert early.ids == [f"k{number}" for number in range(8)]
    assert list(step.finish_bundle()) == []
