"""BlockView: what is written of the messages of one block, when, and as which revision."""

from typing import Any

import orjson
import pytest

from tests.block_facts import ack, apply, commit, link, read, send, time
from tests.histories import START
from transforms.join import block_snapshot
from transforms.join.block_view import BlockView
from transforms.state.facts import GroupExpectation
from transforms.state.view import Outputs
from transforms.state.waits import Waits
from transforms.stats.stats_facts import ClockBound

RETENTION = 86_400_000
MINUTE = 60_000


def any_view(**options: Any) -> BlockView:
    return BlockView(b'["topic",0,0]', **{"waits": Waits(), "limit": 1000, "block_size": 1024} | options)


def rebuilt(view: BlockView) -> BlockView:
    """The view that its snapshot makes."""
    copy = any_view()
    copy.restore(view.snapshot())
    return copy


def told(outputs: Outputs, *names: str) -> list[tuple[Any, ...]]:
    """Of each record the id, the revision, and these fields."""
    values = [orjson.loads(value) for _, value in outputs.records]
    return [(value["id"], value.get("revision", 1), *(value.get(name) for name in names)) for value in values]


def found(outputs: Outputs) -> list[str]:
    values = [orjson.loads(finding.value) for finding in outputs.findings]
    return [value["id"] + ("!" if "resolved" in value else "") for value in values]


def test_all_that_has_its_send_leaves_at_once():
    assert told(apply(any_view(), [send(), ack(), read()]), "durationMs") == [("a", 1, 10), ("c", 1, 20)]


@pytest.mark.parametrize(("fact", "hold"), [(ack(at=0), 120_000), (read(at=0), 10_000)])
def test_what_lacks_its_send_is_held_to_the_millisecond_of_its_deadline(fact, hold):
    view = any_view()
    assert apply(view, [fact, time(1)]).records == []
    assert view.deadline() == START + hold
    assert apply(view, [time(hold - 1)]).records == []
    assert len(apply(view, [time(hold)]).records) == 1
    assert told(apply(view, [send(at=-7)]), "durationMs") == [(fact.ids[0], 2, 7)]


def test_a_send_that_lies_elsewhere_after_all_takes_its_fields_back():
    view = any_view()
    apply(view, [send(), ack()])
    assert told(apply(view, [send(version=2, live=False)]), "durationMs", "correlationId") == [("a", 2, None, None)]


def test_older_news_of_a_send_is_ignored():
    view = any_view()
    apply(view, [ack(), send(version=2, live=False)])
    assert apply(view, [send(version=1)]).records == []


def test_of_several_sends_at_one_offset_the_first_by_date_wins():
    again = send("s2", at=5, correlation_id="of-s1")
    outputs = apply(any_view(), [again, send("s1", at=1), ack()])
    assert told(outputs, "durationMs", "correlationId") == [("a", 1, 9, "of-s1")]


def test_the_correlation_id_comes_from_an_ack_then_the_header_then_the_first_delivery():
    steps = [read(), link("header"), ack("a2", at=5, correlation="acked")]
    view = any_view()
    apply(view, [ack(), time(200_000)])
    seen = [told(apply(view, [step, time(200_000)]), "correlationId") for step in steps]
    assert [{one[0]: one[2] for one in told_then}["a"] for told_then in seen] == [
        "of-c",
        "header",
        "acked",
    ]


def test_deliveries_are_counted_by_date_per_group():
    view = any_view()
    outputs = apply(view, [send(), read("c2", at=40), read("other", at=30, group="h")])
    assert told(outputs, "deliveryCount") == [("c2", 1, 1), ("other", 1, 1)]
    late = apply(view, [read("c1", at=20)])
    assert sorted(told(late, "deliveryCount")) == [("c1", 1, 1), ("c2", 2, 2)]


def test_a_commit_settles_each_delivery_once_and_its_own_record_keeps_its_id():
    view = any_view()
    outputs = apply(view, [read("c0", 0, 1), read("c1", 1, 2), read("c2", 2, 3), commit(offset=1, at=10)])
    assert sorted(told(outputs, "offset", "settledBy", "durationMs", "correlationId")) == [
        ("k", 1, 1, None, 8, "of-c1"), ("k:0", 1, 0, 1, 9, "of-c0"),
    ]  # fmt: skip


def test_a_commit_at_no_message_leaves_under_its_own_offset_when_its_hold_ends():
    view = any_view()
    first = apply(view, [read("c0", 0, 1), read("c1", 1, 2), commit(offset=2, at=10)])
    assert told(first, "offset", "settledBy") == [("k:0", 1, 0, 2), ("k:1", 1, 1, 2)]
    assert told(apply(view, [time(16_000)]), "offset", "durationMs") == [
        ("c0", 1, 0, None),
        ("c1", 1, 1, None),
        ("k", 1, 2, None),
    ]


def test_the_own_record_of_a_commit_counts_two_when_its_delivery_comes_after_its_hold():
    view = any_view()
    first = apply(view, [read("c0", 0, 1), commit(offset=2, at=10), time(16_000)])
    assert sorted(told(first, "offset")) == [("c0", 1, 0), ("k", 1, 2), ("k:0", 1, 0)]
    assert told(apply(view, [read("c2", 2, 5)]), "offset", "durationMs")[-1] == ("k", 2, 2, 5)


def test_a_commit_that_settles_nothing_leaves_alone_when_its_hold_ends():
    view = any_view()
    assert apply(view, [commit(offset=2, at=0)]).records == []
    assert told(apply(view, [time(15_000)]), "offset", "durationMs") == [("k", 1, 2, None)]


def test_a_repeat_has_a_correlation_id_and_no_duration():
    view = any_view()
    apply(view, [read(), commit("k1")])
    outputs = apply(view, [commit("k2", at=40, repeated=True)])
    assert told(outputs, "repeated", "correlationId", "durationMs") == [("k2", 1, True, "of-c", None)]


def test_an_earlier_commit_that_comes_late_takes_its_deliveries_and_withdraws_what_no_longer_holds():
    view = any_view()
    apply(view, [read("c0", 0, 1), read("c1", 1, 2), commit("late", offset=1, at=30)])
    outputs = apply(view, [commit("early", offset=0, at=10)])
    assert sorted(told(outputs, "withdrawn", "durationMs")) == [("early", 1, None, 9), ("late:0", 2, True, 29)]
    back = apply(view, [read("again", 0, 20)])
    assert ("late:0", 3, None, 10) in told(back, "withdrawn", "durationMs")


def test_a_trace_that_lies_twice_is_written_when_the_hold_of_its_earliest_time_ends_also_after_a_restore():
    """CONSUME c 20 written 700000; CONSUME c 20, read second: its hold is over by then."""
    view = any_view()
    late = read(timestamp=START + 20 + 700_000)
    assert told(apply(view, [late, time(400_000)])) == []
    assert told(apply(view, [read()])) == [("c", 1)]
    copy = rebuilt(view)
    assert told(apply(copy, [time(2_000_000)])) == []


def test_another_groups_deliveries_are_not_settled():
    outputs = apply(any_view(), [read(group="h"), commit()])
    assert told(outputs) == []


def test_a_commit_that_another_block_writes_leaves_only_records_of_other_offsets():
    outputs = apply(any_view(), [read("c0", 0, 1), commit(offset=9, is_home=False), time(40_000)])
    assert sorted(told(outputs, "settledBy")) == [("c0", 1, None), ("k:0", 1, 9)]


def test_a_message_without_an_ack_is_found_after_its_wait_and_resolved_when_the_ack_comes():
    view = any_view()
    apply(view, [send(at=0)])
    assert found(apply(view, [time(119_999)])) == []
    assert found(apply(view, [time(120_000)])) == ["unacked:s:0:0"]
    assert found(apply(view, [ack(), time(120_001)])) == ["unacked:s:0:0!"]


def test_the_finding_about_a_send_that_moves_is_closed_under_its_own_name():
    there, here = BlockView(b'["topic",1,0]', waits=Waits(), limit=1000, block_size=1024), any_view()
    assert found(apply(here, [send(), time(120_000)])) == ["unacked:s:0:0"]
    assert found(apply(there, [send(version=3), time(120_000)])) == ["unacked:s:1:0"]
    assert found(apply(here, [send(version=2, live=False), time(120_001)])) == ["unacked:s:0:0!"]


def test_an_ack_that_nothing_links_is_unlinked_when_retention_ends():
    view = any_view()
    apply(view, [ack(at=0), ack("b", 1, at=0, correlation="x")])
    assert found(apply(view, [time(RETENTION + MINUTE - 1)])) == []
    assert found(apply(view, [time(RETENTION + MINUTE)])) == ["unlinked:a"]
    assert (view.size(), view.deadline()) == (0, None)


def test_a_message_is_kept_for_retention_after_its_last_fact():
    view = any_view()
    apply(view, [send(), read("c1", at=0), read("c2", at=RETENTION // 2)])
    apply(view, [time(RETENTION)])
    assert told(apply(view, [read("c3", at=RETENTION)]), "deliveryCount") == [("c3", 1, 3)]


def test_what_a_commit_wrote_of_a_forgotten_message_is_neither_withdrawn_nor_written_again():
    view = any_view()
    apply(view, [read("c0", 0, 0), read("c1", 1, 1), read("c2", 2, 60_000), commit(offset=1, at=60_000)])
    apply(view, [time(RETENTION)])
    late = apply(view, [read("again", 1, at=RETENTION), read("late", 2, at=70), time(RETENTION + 1)])
    assert told(late) == [("late", 1), ("c2", 2)]
    repeated = apply(view, [commit(offset=1, at=60_000, repeated=True, version=2)])
    assert told(repeated, "withdrawn") == []


def test_a_delivery_that_outlives_retention_stays_settled_also_after_a_restore():
    view = any_view()
    apply(view, [read("c0", 0, 0), commit(offset=0, at=10), read("other", 0, RETENTION // 2, group="h")])
    apply(view, [time(RETENTION + 20_000)])
    copy = rebuilt(view)
    for one in (view, copy):
        outputs = apply(one, [commit("k2", 0, at=RETENTION, repeated=True)])
        assert told(outputs, "repeated", "durationMs") == [("k2", 1, True, None)]


def test_duplicates_are_absorbed_and_counted():
    view = any_view()
    apply(view, [send(), ack(), read()])
    outputs = apply(view, [ack(), read()])
    assert (outputs.records, outputs.counts) == ([], {"duplicates": 2})


def test_a_block_that_holds_too_much_gives_up_the_oldest_and_writes_what_waits():
    view = any_view(limit=20)
    outputs = apply(view, [read(f"c{n}", n, at=n) for n in range(21)])
    assert told(outputs) == [("c0", 1), ("c1", 1), ("c2", 1)]
    assert (view.size(), outputs.counts["evicted"]) == (18, 3)
    assert [name.split(":")[0] for name in found(outputs)] == ["evicted"]


def test_a_snapshot_builds_the_same_view_and_it_has_nothing_new_to_say():
    view = any_view()
    apply(view, [send(), ack(), read(), read("c2", 1), commit(), commit("k2", 2, 50), link("x", 3), time(130_000)])
    copy = rebuilt(view)
    for one in (view, copy):
        outputs = apply(one, [time(130_001)])
        assert (outputs.records, outputs.findings) == ([], [])
    assert (view.size(), view.deadline()) == (copy.size(), copy.deadline())
    assert block_snapshot.load(view.snapshot()) == block_snapshot.load(copy.snapshot())
    assert told(apply(copy, [send(version=2, live=False)])) == told(apply(view, [send(version=2, live=False)]))


def test_a_view_of_nothing_has_nothing_to_keep_but_the_time():
    view = any_view()
    apply(view, [time(5)])
    saved, empty = (block_snapshot.load(one.snapshot()) for one in (view, any_view()))
    assert (saved.now, empty.now) == (START + 5, -1)
    assert (saved.block, saved.judge) == (empty.block, empty.judge)
    assert (saved.block.rows, saved.block.messages, saved.block.commits, saved.trim_at) == (b"", {}, [], None)


def test_a_view_built_again_judges_when_the_one_does_that_it_was_taken_from():
    """The journal says that time passed, not what was told: what is judged in a replay alone would never be told."""
    view = any_view()
    apply(view, [read("c", at=9_000), time(9_500)])
    apply(view, [read("c2", offset=1, at=100), commit(offset=1, at=11_000)])
    built = rebuilt(view)
    assert view.deadline() == built.deadline() == START + 10_000
    for until in range(10_000, 400_000, 10_000):
        assert found(apply(view, [time(until)])) == found(apply(built, [time(until)]))
        assert view.deadline() == built.deadline()


def test_a_bound_of_clocks_that_a_later_fact_refutes_is_withdrawn():
    def bounds(outputs: Outputs) -> list[tuple[Any, ...]]:
        return [(fact.of, fact.over, fact.ms) for *_, fact in outputs.facts if isinstance(fact, ClockBound)]

    view = any_view()
    assert bounds(apply(view, [send(), read(at=20), time(10_000)])) == [("c", "p", 20)]
    other = read("earlier", at=10, client_id="d")
    built = rebuilt(view)
    for one in (view, built):
        assert bounds(apply(one, [other, time(20_000)])) == [("c", "p", None), ("d", "p", 10)]


def test_a_block_that_hears_of_a_group_and_of_no_message_is_forgotten_too():
    """Else what is told of groups just after a block was forgotten stays for ever."""
    view = any_view()
    apply(view, [GroupExpectation("g", 0, START + RETENTION, START, None)])
    assert view.deadline() == START + RETENTION
    apply(view, [time(RETENTION)])
    assert (view.size(), view.deadline()) == (0, None)


def test_ids_that_several_offsets_share_break_nothing():
    """A client that gives all of its traces one id is wrong, but it must not stop us."""
    view = any_view()
    for offset in range(3):
        apply(view, [send("s", offset), read("same", offset), read(f"again{offset}", offset, at=50)])
    apply(view, [read("same", 1, at=90), read("same", 4), time(2 * RETENTION)])
    assert view.size() == 0
