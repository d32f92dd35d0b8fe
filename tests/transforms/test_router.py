"""Router: what traces say together, and with which time it leaves."""

import numpy as np
import orjson
from msgspec import structs

from tests.histories import START, any_trace
from tests.packed import DECODE
from transforms.input.records import ACK, COMMIT, CONSUME, LATEST_TIMESTAMP, NO_GROUP, SEND, HeaderLink
from transforms.input.router import Router
from transforms.input.traces import Trace
from transforms.state.addresses import FOLLOW, JOIN, LOCATE, ORDER, PRODUCE
from transforms.state.facts import ProducerAnswered


def routed(*traces: Trace | HeaderLink, shards: int = 1) -> dict[tuple[str, bytes], list[object]]:
    """The facts of each view."""
    router = Router(shards, 4)
    router.add(traces)
    packs = [(destination, *element.value) for destination, element in router.packs()]
    assert len({(destination, key) for destination, key, _ in packs}) == len(packs), "one pack for each view"
    return {(destination, key): DECODE[destination](pack) for destination, key, pack in packs}


def times(*traces: Trace | HeaderLink) -> dict[tuple[str, bytes], float]:
    """When the pack of each view leaves, in ms after START."""
    router = Router(1, 4)
    router.add(traces)
    return {(to, element.value[0]): element.timestamp.micros / 1000 - START for to, element in router.packs()}


def test_traces_of_one_kind_about_one_block_are_one_fact_with_an_item_for_each():
    extra = {"zone": 1}
    acks = [
        any_trace(type=ACK, id=f"a{offset}", offset=offset, at=offset, client_id=f"p{offset % 2}") for offset in (4, 7)
    ]
    acks.append(any_trace(type=ACK, id="other", offset=8, date="2026-01-01T00:00:00Z", extra=extra))
    facts = routed(*acks)
    [one], [other] = facts[JOIN, b'["topic",0,1]'], facts[JOIN, b'["topic",0,2]']
    assert (one.ids, one.client_ids, list(one.digits)) == (["a4", "a7"], ["p0", "p1"], [3, 3])
    assert np.frombuffer(one.offsets, np.int64).tolist() == [4, 7]
    assert np.frombuffer(one.timestamps, np.int64).tolist() == [START + 4, START + 7]
    assert np.frombuffer(one.clients, np.int32).tolist() == [0, 1]
    assert (one.extras, other.extras, list(other.digits)) == (None, {0: extra}, [0])


def test_reads_of_two_groups_in_one_block_are_two_facts_for_it():
    reads = [any_trace(type=CONSUME, id=group, group_id=group) for group in ("g", "h")]
    facts = routed(*reads)
    assert [fact.group_id for fact in facts[JOIN, b'["topic",0,0]']] == ["g", "h"]
    assert {key for to, key in facts if to == ORDER} == {b'["g","topic",0]', b'["h","topic",0]'}


def test_of_a_reader_without_a_group_no_commits_are_awaited():
    facts = routed(any_trace(type=CONSUME, group_id=NO_GROUP))
    assert {to for to, _ in facts} == {JOIN, FOLLOW, LOCATE}


def test_a_producer_is_told_of_once_with_the_newest_time_of_its_partition_and_of_its_topic():
    acks = [any_trace(type=ACK, id=f"{p}{at}", partition=p, at=at) for p, at in ((0, 5), (0, 9), (1, 3))]
    facts = routed(*acks)
    assert facts[PRODUCE, b'"topic"'] == [ProducerAnswered("client", START + 9, places=True)]
    for partition, last in ((0, 9), (1, 3)):
        told = [one for one in facts[FOLLOW, b'["topic",%d]' % partition] if isinstance(one, ProducerAnswered)]
        assert told == [ProducerAnswered("client", START + last, places=True)]


def test_a_pack_leaves_with_the_time_of_its_earliest_trace():
    left = times(
        any_trace(type=ACK, id="a1", at=70), any_trace(type=ACK, id="a2", offset=1, at=30),
        any_trace(type=SEND, id="s", at=20), any_trace(type=COMMIT, id="k", at=90), HeaderLink("t", 0, 0, None, START),
    )  # fmt: skip
    assert (left[JOIN, b'["topic",0,0]'], left[LOCATE, b"0"], left[JOIN, b'["t",0,0]']) == (30, 20, 0)
    assert left[ORDER, b'["group","topic",0]'] == 90


def test_one_correlation_id_of_one_topic_always_meets_in_one_shard():
    sends = [any_trace(type=SEND, id=f"s{n}", correlation_id=f"x{n}") for n in range(40)]
    reads = [any_trace(type=CONSUME, id=f"c{n}", correlation_id=f"x{n}") for n in range(40)]
    facts = routed(*sends, *reads, shards=8)
    shards = {key: columns for (to, key), columns in facts.items() if to == LOCATE}
    assert len(shards) > 4
    for sent, seen in shards.values():
        assert sorted(sent.correlation_ids) == sorted(seen.correlation_ids)


def test_an_ack_of_a_failed_send_leaves_as_it_is_and_holds_the_time_of_its_bundle_back():
    router = Router(1, 4, "blue")
    assert router.earliest_output == LATEST_TIMESTAMP
    failed = any_trace(type=ACK, id="a", partition=-1, offset=-1, at=7, extra={"error": "TIMEOUT"})
    router.add([structs.replace(failed, id="b", timestamp=START + 9), failed])
    values = [orjson.loads(value) for _, value in router.outputs.records]
    assert [(value["id"], value["error"], value["cluster"]) for value in values] == [
        ("b", "TIMEOUT", "blue"), ("a", "TIMEOUT", "blue"),
    ]  # fmt: skip
    assert [found.id for found in router.outputs.findings] == ["send-failed:b", "send-failed:a"]
    assert router.earliest_output == START + 7
    assert list(router.packs()) == []
