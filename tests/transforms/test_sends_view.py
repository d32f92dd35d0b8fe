"""SendsView: SENDs, their positions, and what the shard gives up."""

from typing import Any

import orjson

from tests.histories import START, any_trace, changed
from transforms.input.records import ACK, SEND, HeaderLink
from transforms.input.router import Router
from transforms.input.traces import Trace
from transforms.locate.sends_view import SendsView
from transforms.locate.shard_forget import MAX_FACTS
from transforms.state.addresses import LOCATE
from transforms.state.view import Outputs
from transforms.state.waits import Waits

RETENTION = 86_400_000


def any_view(**options: Any) -> SendsView:
    return SendsView(b"0", **{"waits": Waits(), "limit": 1000, "block_size": 4} | options)


def take(view: SendsView, *items: Trace | HeaderLink) -> Outputs:
    """What the view makes of these items in one batch."""
    router = Router(1, 4)
    router.add(items)
    packs = [pack.value[1] for kind, pack in router.packs() if kind == LOCATE]
    return view.on_facts([fact for pack in packs for fact in view.decode(pack)])


def told(outputs: Outputs) -> list[tuple[str, int | None, int]]:
    """Id, offset and revision of each record."""
    values = [orjson.loads(value) for _, value in outputs.records]
    return [(value["id"], value.get("offset"), value.get("revision", 1)) for value in values]


def found(outputs: Outputs) -> list[str]:
    return [orjson.loads(finding.value)["id"] for finding in outputs.findings]


SENT = any_trace(type=SEND, id="s", correlation_id="x")
LINK = HeaderLink("topic", 0, 9, "x", START + 5)


def test_a_send_is_written_when_its_link_comes_and_its_block_is_told():
    view = any_view()
    assert take(view, SENT).records == []
    outputs = take(view, LINK)
    assert told(outputs) == [("s", 9, 1)]
    [(destination, key, timestamp, located)] = outputs.facts
    assert (destination, key, timestamp) == ("join", b'["topic",0,2]', START)
    assert (located.offset, located.id, located.correlation_id) == (9, "s", "x")


def test_the_same_correlation_id_in_two_topics_is_two_messages():
    view = any_view()
    take(view, SENT, changed(SENT, id="other", topic="elsewhere"))
    assert told(take(view, LINK)) == [("s", 9, 1)]


def test_an_unlocated_send_waits_for_its_hold_and_is_revised_by_a_late_link():
    view = any_view()
    take(view, SENT)
    assert told(view.on_time(START + 299_999)) == []
    assert view.deadline() == START + 300_000
    assert told(view.on_time(START + 300_000)) == [("s", None, 1)]
    assert told(take(view, LINK)) == [("s", 9, 2)]


def test_a_send_that_moves_is_taken_back_from_its_former_block():
    view = any_view()
    take(view, SENT, LINK)
    outputs = take(view, HeaderLink("topic", 0, 2, "x", START + 1))
    assert told(outputs) == [("s", 2, 2)]
    assert [(key, fact.offset, fact.version, fact.live) for _, key, _, fact in outputs.facts] == [
        (b'["topic",0,2]', 9, 2, False), (b'["topic",0,0]', 2, 3, True),
    ]  # fmt: skip


def test_a_failed_ack_releases_its_send_at_once_and_it_is_never_unlinked():
    view = any_view()
    failed = any_trace(type=ACK, id="a", partition=-1, offset=-1, correlation_id="x", at=3)
    assert told(take(view, SENT, failed)) == [("s", None, 1)]
    assert found(view.on_time(START + 3 * RETENTION)) == []


def test_a_send_that_is_never_located_is_unlinked_when_retention_ends():
    view = any_view()
    take(view, SENT)
    assert found(view.on_time(START + RETENTION - 1)) == []
    assert found(view.on_time(START + RETENTION)) == ["unlinked:s"]
    assert (view.size(), view.deadline()) == (0, None)


def test_retention_counts_from_the_last_fact_about_a_message():
    view = any_view()
    take(view, SENT, HeaderLink("topic", 0, 9, "x", START + RETENTION // 2))
    view.on_time(START + RETENTION)
    assert view.size() > 0
    view.on_time(START + RETENTION // 2 + RETENTION)
    assert view.size() == 0


def test_a_fact_that_leaves_nothing_but_its_time_is_remembered_by_a_restored_view():
    view, restored = any_view(), any_view()
    take(view, LINK, changed(LINK, timestamp=START + RETENTION // 2))
    restored.restore(view.snapshot())
    for kept in (view, restored):
        kept.on_time(START + RETENTION + 3_600_000)
        assert kept.size() > 0
        assert told(take(kept, SENT)) == [("s", 9, 1)]


def test_a_duplicate_is_absorbed_and_counted():
    view = any_view()
    assert take(view, SENT, SENT).counts == {"duplicates": 1}
    assert view.size() == 1


def test_one_constant_correlation_id_does_not_fill_the_memory():
    view = any_view(limit=10_000)
    outputs = [take(view, changed(SENT, id=f"s{number}")) for number in range(3 * MAX_FACTS)]
    assert view.size() <= MAX_FACTS
    emitted = [identity for output in outputs for identity, _, _ in told(output)]
    assert len(emitted) == len(set(emitted))
    assert len(emitted) + view.size() == 3 * MAX_FACTS
    assert sum(output.counts["evicted"] for output in outputs) == len(emitted)
    assert {name.split(":")[0] for output in outputs for name in found(output)} == {"evicted"}


def test_too_many_facts_give_up_the_oldest_and_write_what_still_waits():
    view = any_view(limit=10)
    sends = [changed(SENT, id=f"s{n}", correlation_id=f"x{n}", timestamp=START + n) for n in range(11)]
    outputs = take(view, *sends)
    assert told(outputs) == [("s0", None, 1), ("s1", None, 1)]
    assert outputs.counts == {"emitted": 2, "evicted": 2}
    assert view.size() == 9


def test_another_reader_of_the_same_message_changes_nothing_whichever_was_first():
    for later, earlier in ((9, 5), (5, 9)):
        view = any_view()
        reads = [
            any_trace(id=f"c{at}", correlation_id="x", offset=9, group_id=f"g{at}", at=at) for at in (later, earlier)
        ]
        assert told(take(view, SENT, reads[0])) == [("s", 9, 1)]
        outputs = take(view, reads[1])
        assert (outputs.records, outputs.facts) == ([], [])
        assert view.size() == 2


def test_a_producer_that_reads_its_own_topic_did_not_send_what_it_had_read_before():
    view = any_view()
    sent = changed(SENT, client_id="svc", nanos=SENT.nanos + 20 * 10**6, date="2026-01-01T00:00:00.020Z")
    assert told(take(view, any_trace(id="c", correlation_id="x", offset=9, client_id="svc", at=10), sent)) == []
    assert told(take(view, HeaderLink("topic", 0, 4, "x", START + 30))) == [("s", 4, 1)]
