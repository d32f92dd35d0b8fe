"""PackByKey: which views an input concerns."""

from typing import Any

import orjson
import pytest
from apache_beam import pvalue

from tests.histories import START, any_trace
from tests.packed import packs_of
from transforms.findings import Finding
from transforms.pack_by_key import Router, _Pack
from transforms.packs import MAX_PACK_EVENTS
from transforms.records import ACK, COMMIT, CONSUME, HEADER_READER, SEND, HeaderLink
from transforms.traces import Trace

BLOCK = b'["topic",0,1]'
GROUP = b'["group","topic",0]'
PARTITION = b'["topic",0]'
TOPIC = ("produce", b'"topic"')


def packed(*items: Trace | HeaderLink) -> tuple[dict[tuple[str, bytes], list[list[Any]]], list[dict], list[dict]]:
    """What leaves a bundle of these items: events by destination and key; records; findings."""
    step = _Pack(Router(1, 4), "blue")
    step.start_bundle()
    events: dict[tuple[str, bytes], list[list[Any]]] = {}
    records, findings = [], []
    for output in [*(output for item in items for output in step.process(item)), *step.finish_bundle()]:
        if not isinstance(output, pvalue.TaggedOutput):
            records.append(orjson.loads(output[1]))
        elif isinstance(output.value, Finding):
            findings.append(orjson.loads(output.value.value))
        else:
            [pack] = packs_of([output])
            events.setdefault((pack.kind, pack.key), []).extend(pack.events)
    return events, records, findings


def kinds(*items: Trace | HeaderLink) -> dict[tuple[str, bytes], list[str]]:
    """Kinds of the events only."""
    return {address: [event[0] for event in events] for address, events in packed(*items)[0].items()}


@pytest.mark.parametrize(
    ("item", "routed"),
    [
        (any_trace(type=SEND), {("locate", b"0"): ["S"]}),
        (any_trace(type=ACK, offset=5), {("join", BLOCK): ["A"], ("follow", PARTITION): ["M", "P"], TOPIC: ["P"]}),
        (
            any_trace(type=ACK, offset=5, correlation_id="x"),
            {("join", BLOCK): ["A"], ("locate", b"0"): ["L"], ("follow", PARTITION): ["M", "P"], TOPIC: ["P"]},
        ),
        (any_trace(type=ACK, partition=-1, offset=-1, correlation_id="x"), {("locate", b"0"): ["E"]}),
        (any_trace(type=ACK, offset=-1, extra={"error": "E"}, correlation_id="x"), {("locate", b"0"): ["E"]}),
        (any_trace(type=ACK, partition=-1, offset=-1), {}),
        (any_trace(type=ACK, offset=-1), {TOPIC: ["N"], ("follow", PARTITION): ["P"]}),
        (
            any_trace(type=ACK, offset=-1, correlation_id="x"),
            {TOPIC: ["N"], ("locate", b"0"): ["L"], ("follow", PARTITION): ["P"]},
        ),
        (
            any_trace(type=CONSUME, offset=5),
            {("join", BLOCK): ["C"], ("locate", b"0"): ["L"], ("order", GROUP): ["R"], ("follow", PARTITION): ["R"]},
        ),
        (any_trace(type=COMMIT, offset=5), {("order", GROUP): ["K"], ("follow", PARTITION): ["K"]}),
        (any_trace(type=COMMIT, offset=-1), {("order", GROUP): ["K"], ("follow", PARTITION): ["K"]}),
        (
            HeaderLink("topic", 0, 5, "x", 7),
            {("join", BLOCK): ["L"], ("locate", b"0"): ["L"], ("follow", PARTITION): ["R"]},
        ),
        (HeaderLink("topic", 0, 5, None, 7), {("join", BLOCK): ["L"], ("follow", PARTITION): ["R"]}),
    ],
)
def test_each_input_goes_to_the_views_that_need_it_and_to_no_other(item, routed):
    assert routed == kinds(item)


def test_a_failed_send_leaves_as_it_is_with_a_finding_and_gathers_under_no_key():
    failed = any_trace(type=ACK, id="a", partition=-1, offset=-1, extra={"error": "TIMEOUT"})
    events, records, findings = packed(failed)
    assert events == {}
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
    reads = packed(*items)[0]["order", GROUP]
    assert [[event[1:4] for event in reads], [event[7] for event in reads]] == [
        [[1, 5, 7], [2, 8, 8]], [START + 90, START + 1],
    ]  # fmt: skip


def test_a_bundle_tells_once_per_block_which_group_was_there_from_which_offset_and_when():
    spread = [(5, 30), (7, 10), (6, 90), (8, 1)]
    items = [any_trace(id=f"c{offset}", offset=offset, at=at) for offset, at in spread]
    items += [any_trace(type=COMMIT, id=f"k{offset}", offset=offset, at=at) for offset, at in spread]
    items += [HeaderLink("topic", 0, offset, None, START + at) for offset, at in spread]
    items += [any_trace(type=ACK, id=f"a{offset}", offset=offset, at=at) for offset, at in spread]
    told = packed(*items)[0]["follow", PARTITION]
    ranges = [[1, 5, START + 10, START + 90, START + 90], [2, 8, START + 1, START + 1, START + 1]]
    assert sorted(told) == sorted(
        [
            [kind, group, *reach]
            for kind, group in (("R", "group"), ("R", HEADER_READER), ("K", "group"))
            for reach in ranges
        ]
        + [["M", 1, START + 90], ["M", 2, START + 1], ["P", "client", START + 90, True]]
    )


def test_what_a_bundle_tells_of_groups_holds_back_no_time_later_than_its_first_fact():
    step = _Pack(Router(1, 4))
    step.start_bundle()
    list(step.process(any_trace(type=COMMIT, id="k1", at=50)))
    list(step.process(any_trace(type=COMMIT, id="k2", at=20)))
    times = [pack.timestamp for pack in packs_of(step.finish_bundle()) if pack.kind == "follow"]
    assert times == [(START + 20) / 1000]


def test_a_record_without_a_correlation_id_proves_its_offset_and_names_nothing():
    assert packed(HeaderLink("topic", 0, 5, None, 7))[0]["join", BLOCK] == [["L", 5, None, 7]]


def test_a_new_bundle_begins_with_nothing():
    step = _Pack(Router(1, 4))
    step.start_bundle()
    list(step.process(any_trace()))
    step.start_bundle()
    assert list(step.finish_bundle()) == []


def test_full_packs_leave_at_once():
    step = _Pack(Router(1, 4))
    step.start_bundle()
    full = [output for n in range(MAX_PACK_EVENTS) for output in step.process(any_trace(type=COMMIT, id=f"k{n}"))]
    assert [(pack.kind, len(pack.events)) for pack in packs_of(full)] == [("order", MAX_PACK_EVENTS)]
    assert [pack.kind for pack in packs_of(step.finish_bundle())] == ["follow"]
