"""StatsView: the statistics of a window are those of the last tallies, and final when nothing can change them."""

from itertools import count
from random import Random
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.pure_run import ForgetfulBag, small_journals
from transforms.state.addresses import skew_key, window_key
from transforms.state.facts import Ended
from transforms.state.journal import JournaledView
from transforms.state.packs import pack_of
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

MINUTE = 60_000
START = 1_795_359_240_000
ISO = "2026-11-22T14:54:00.000Z"
WAITS = Waits()
FINAL = START + MINUTE + WAITS.retention + WAITS.trim_interval + MINUTE
KEY = window_key("orders", START)
SKEW = skew_key("a", "b", START)

Records = dict[tuple[str, ...], dict[str, Any]]
#: What is said later has the higher number.
NUMBERS = count()


def any_view(key: bytes = KEY, **options: Any) -> StatsView:
    return StatsView(key, **{"waits": WAITS} | options)


def sketch(*latencies: int) -> LatencySketch:
    sketch = LatencySketch()
    for ms in latencies:
        sketch.add(ms)
    return sketch


def topic(partition: int = 0, block: int = 0, *, at: int = 0, **tally: Any) -> TopicTallied:
    counts = {"produced": 2, "sent": 2, "acked": 1, "traced": 2, "span": (0, 3)} | tally
    return TopicTallied(BlockPlace(partition, block), TopicTally(**counts), at, next(NUMBERS))


def group(name: str = "g", block: int = 0, **tally: Any) -> GroupTallied:
    counts = {"expected": 2, "actual": 1} | tally
    return GroupTallied(BlockPlace(0, block), name, GroupTally(**counts), 0, next(NUMBERS))


def no_group(name: str = "g") -> GroupTallied:
    """What the block said of the group is withdrawn."""
    return GroupTallied(BlockPlace(0, 0), name, None, 0, next(NUMBERS))


def counted(reason: str, group_id: str | None, findings: int) -> FindingsCounted:
    return FindingsCounted(reason, group_id, findings, 0, next(NUMBERS))


def edge(shard: str, **tally: Any) -> EdgeTallied:
    return EdgeTallied(shard, "raw", "g", EdgeTally(**tally), 0, next(NUMBERS))


def bound(block: str, of: str, over: str, ms: int | None) -> ClockBound:
    return ClockBound(block, of, over, ms, 0, next(NUMBERS))


def taken(view: StatsView, *facts: StatsFact) -> dict[str, dict[str, Any]]:
    """What the view writes for a pack: values by kind, or by group or source topic of an edge."""
    return by_name(view.on_facts(view.decode(pack_of(facts))).records)


def passed(view: StatsView, now: int) -> dict[str, dict[str, Any]]:
    """What the view writes when event time reaches `now`."""
    return by_name(view.on_time(now).records)


def by_name(records: list[tuple[bytes, bytes]]) -> dict[str, dict[str, Any]]:
    values = [orjson.loads(value) for _, value in records]
    return {value.get("fromTopic") or value.get("groupId") or value["kind"]: value for value in values}


def test_a_topic_record_sums_its_blocks_and_a_tally_replaces_the_one_before():
    view = any_view(cluster="east")
    taken(view, topic(block=0, produced=7), topic(block=1, produced=5, span=(4, 9), unknown_produce_time=1))
    assert taken(view, topic(block=0, produced=6, ack=sketch(-3, 10, 20)))["topic"] == {
        "kind": "topic", "topic": "orders", "windowStart": ISO, "cluster": "east", "produced": 11, "sent": 4,
        "acked": 2, "unknownProduceTime": 1, "coverage": {"traced": 4, "offsets": 10, "ratio": 0.4},
        "ackLatencyMs": sketch(-3, 10, 20).summary(), "verdicts": {}, "groups": [],
    }  # fmt: skip


def test_coverage_counts_the_offsets_of_each_partition():
    written = taken(any_view(), topic(0, 0, span=(10, 19)), topic(0, 5, span=(25, 29)), topic(1, 0, span=(0, 4)))
    assert written["topic"]["coverage"] == {"traced": 6, "offsets": 25, "ratio": 0.24}


def test_no_offset_no_coverage_and_no_latency_no_summary():
    written = taken(any_view(), topic(span=None, ack=sketch()))["topic"]
    assert not {"coverage", "ackLatencyMs"} & written.keys()


def test_a_group_has_a_record_of_its_own_and_the_topic_names_it():
    written = taken(any_view(), topic(), group(over=1, consume=sketch(5, 7)), group(block=1, commit=sketch(90)))
    assert written["topic"]["groups"] == ["g"]
    assert written["g"] == {
        "kind": "group", "topic": "orders", "groupId": "g", "windowStart": ISO, "expected": 4, "actual": 2, "over": 1,
        "under": 0, "committed": 0, "slaBreaches": 0, "commits": "none seen", "verdicts": {},
        "consumeLatencyMs": sketch(5, 7).summary(),
        "commitLatencyMs": sketch(90).summary(),
    }  # fmt: skip


def test_one_block_in_which_a_group_was_seen_committing_is_enough():
    assert "commits" not in taken(any_view(), group(), group(block=1, commits_seen=1))["g"]


def test_only_records_that_change_are_written_again():
    view = any_view()
    assert taken(view, topic(), group()).keys() == {"topic", "g"}
    assert taken(view, topic(), group()) == {}
    assert taken(view, group(actual=2)).keys() == {"g"}
    assert taken(view, topic(acked=2)).keys() == {"topic"}
    assert taken(view, group("another")).keys() == {"topic", "another"}


def test_verdicts_are_counted_per_group_and_the_topic_has_them_all():
    view = any_view()
    written = taken(
        view, topic(), counted("unacked", None, 3), counted("unconsumed", "g", 2), counted("unconsumed", "h", 4)
    )
    assert written["topic"]["verdicts"] == {"unacked": 3, "unconsumed": 6}
    assert (written["g"]["verdicts"], written["h"]["verdicts"]) == ({"unconsumed": 2}, {"unconsumed": 4})
    assert "commits" not in written["g"], "nothing was tallied of it, so nothing is known of its commits"
    assert taken(view, counted("unacked", None, 0))["topic"]["verdicts"] == {"unconsumed": 6}
    assert taken(view, counted("unacked", None, 0)) == {}


def test_an_edge_has_a_record_of_its_own():
    view = any_view()
    assert taken(view, edge("3", count=2, residence=sketch(5, 7), from_origin=sketch(50))) == {
        "raw": {
            "kind": "edge", "fromTopic": "raw", "groupId": "g", "toTopic": "orders", "windowStart": ISO, "count": 2,
            "residenceMs": sketch(5, 7).summary(),
            "fromOriginMs": sketch(50).summary(),
        }
    }  # fmt: skip
    written = taken(view, edge("4", count=1, ambiguous=1))["raw"]
    assert (written["count"], written["ambiguous"]) == (3, 1)
    assert taken(view, edge("3", count=1))["raw"]["count"] == 2


def test_keys_hold_what_identifies_a_record():
    keys = [orjson.loads(key) for key, _ in any_view().on_facts([topic(), group(), edge("0")]).records]
    assert {"topic": "orders", "windowStart": ISO} in keys
    assert {"topic": "orders", "groupId": "g", "windowStart": ISO} in keys
    assert {"fromTopic": "raw", "groupId": "g", "toTopic": "orders", "windowStart": ISO} in keys


def test_what_is_withdrawn_altogether_is_written_as_withdrawn_once():
    view = any_view()
    taken(view, topic(), group())
    written = taken(view, no_group())
    assert written["g"] == {
        "kind": "group", "topic": "orders", "groupId": "g", "windowStart": ISO, "withdrawn": True,
    }  # fmt: skip
    assert written["topic"]["groups"] == []
    assert taken(view, no_group()) == {}
    assert passed(view, FINAL).keys() == {"topic"}


def test_min_and_max_follow_when_the_tally_that_had_them_is_replaced():
    view = any_view()
    taken(view, topic(block=0, ack=sketch(1, 900)), topic(block=1, ack=sketch(5, 6)))
    latency = taken(view, topic(block=0, ack=sketch(7)))["topic"]["ackLatencyMs"]
    assert (latency["min"], latency["max"], latency["count"], latency["avg"]) == (5, 7, 3, 6)


def test_a_window_is_final_once_when_no_view_remembers_anything_that_could_change_it():
    view = any_view()
    taken(view, topic(), group())
    assert view.deadline() == FINAL
    assert passed(view, FINAL - 1) == {}
    written = passed(view, FINAL)
    assert [value["final"] for value in written.values()] == [True, True]
    assert (view.deadline(), view.size(), view.snapshot()) == (None, 0, any_view().snapshot())


def test_what_changes_within_a_second_of_the_facts_own_time_is_written_together():
    view = any_view()
    assert taken(view, topic(produced=1, at=START + 100))["topic"]["produced"] == 1
    assert taken(view, topic(produced=2, at=START + 300)) == taken(view, topic(produced=3, at=START + 900)) == {}
    assert view.deadline() == START + 1000
    assert passed(view, START + 1000)["topic"]["produced"] == 3
    assert taken(view, topic(produced=4, at=START + 1900)) == {}
    assert taken(view, topic(produced=5, at=START + 2000))["topic"]["produced"] == 5
    assert view.deadline() == FINAL


def test_what_waits_to_be_written_survives_a_snapshot():
    view, restored = any_view(), any_view()
    taken(view, topic(at=START), group("written"))
    taken(view, topic(at=START), group("waiting"), no_group("written"))
    restored.restore(view.snapshot())
    assert restored.deadline() == view.deadline() == START + 1000
    expected = passed(view, START + 1000)
    assert expected["written"]["withdrawn"] is True
    assert expected.keys() == {"topic", "written", "waiting"}
    assert expected == passed(restored, START + 1000)


def test_a_window_stays_open_for_the_retention_of_its_newest_fact():
    view = any_view()
    late = START + 7 * 60 * MINUTE
    taken(view, topic(at=late))
    assert view.deadline() == late + FINAL - START - MINUTE
    assert passed(view, FINAL) == {}


@pytest.mark.parametrize(("end", "final"), [(FINAL - 1, False), (FINAL, True), (None, False)])
def test_bounded_input_is_written_once_and_final_only_if_it_ends_late_enough(end, final):
    view = any_view(bounded=True)
    assert taken(view, topic(), *([Ended(end)] if end else [])) == {}
    assert taken(view, group()) == {}
    written = passed(view, 2**62)
    assert written.keys() == {"topic", "g"}
    assert ("final" in written["topic"], "final" in written["g"]) == (final, final)
    assert view.size() == 0


def test_the_skew_of_two_clocks_lies_between_the_tightest_bounds_of_both_directions():
    view = any_view(SKEW)
    written = taken(view, bound("orders-0", "b", "a", 30))["clockSkew"]
    assert written == {
        "kind": "clockSkew", "clients": ["a", "b"], "windowStart": ISO, "lowerMs": None, "upperMs": 30,
    }  # fmt: skip
    assert taken(view, bound("orders-1", "b", "a", 40)) == {}
    both = taken(view, bound("orders-0", "a", "b", -11))["clockSkew"]
    assert (both["lowerMs"], both["upperMs"], both["correctionMs"]) == (11, 30, 20.5)
    assert taken(view, bound("orders-0", "b", "a", None))["clockSkew"]["upperMs"] == 40
    assert passed(view, view.deadline())["clockSkew"]["final"] is True


def test_bounds_that_contradict_each_other_give_no_correction():
    written = taken(any_view(SKEW), bound("s", "b", "a", 5), bound("s", "a", "b", -9))["clockSkew"]
    assert (written["lowerMs"], written["upperMs"], written["inconsistent"]) == (9, 5, True)
    assert "correctionMs" not in written


# Any order ------------------------------------------------------------------------------------------------------------

LATENCIES = st.lists(st.integers(-5, 2000), max_size=5)
SMALL = st.integers(0, 3)


@st.composite
def tallies(draw: Any) -> list[list[StatsFact]]:
    """Per source what it said in order, the last one being what counts; each fact with a time or without."""
    histories = []
    kinds = [TopicTallied, GroupTallied, EdgeTallied, FindingsCounted, ClockBound]
    for source in draw(st.lists(st.tuples(st.sampled_from(kinds), SMALL, SMALL), unique=True, max_size=12)):
        kind, one, two = source
        at = draw(st.just(0) | st.integers(START, START + 5000))
        facts: list[StatsFact] = []
        for number, said in enumerate(draw(st.lists(st.none() | LATENCIES, min_size=1, max_size=4))):
            latencies = said or []
            size = len(latencies)
            if kind is TopicTallied:
                span = (one, one + size)
                of_topic = TopicTally(produced=size, traced=size, span=span, ack=sketch(*latencies))
                facts.append(TopicTallied(BlockPlace(one, two), None if said is None else of_topic, at, number))
            elif kind is GroupTallied:
                of_group = GroupTally(expected=size, consume=sketch(*latencies), commits_seen=int(size > 3))
                place, tally = BlockPlace(one, two % 2), None if said is None else of_group
                facts.append(GroupTallied(place, f"g{two}", tally, at, number))
            elif kind is EdgeTallied:
                of_edge = None if said is None else EdgeTally(count=size, residence=sketch(*latencies))
                facts.append(EdgeTallied(str(one), f"from{two}", "g", of_edge, at, number))
            elif kind is FindingsCounted:
                facts.append(FindingsCounted(f"reason{one}", f"g{two}" if two else None, size, at, number))
            else:
                clients = ("a", "b") if one % 2 else ("b", "a")
                facts.append(ClockBound(f"s{one}{two}", *clients, latencies[0] if latencies else None, 0, number))
        histories.append(facts)
    return histories


def final(records: list[tuple[bytes, bytes]]) -> Records:
    """The last value of each key, withdrawn ones left out."""
    last = {key: orjson.loads(value) for key, value in records}
    return {key: value for key, value in last.items() if "withdrawn" not in value}


def in_any_order(histories: list[Any], key: bytes, random: Random, restores: float) -> Records:
    """Sources mixed at random, in batches, timers fired and the view restored now and then; at last the window ends."""
    bag, records = ForgetfulBag(), []

    def call(act: Any) -> int | None:
        if random.random() < restores:
            bag.forget(random)
        journaled, _ = JournaledView.open(bag, lambda: any_view(key))
        records.extend(act(journaled).records)
        journaled.rewrite(bag)
        return journaled.view.deadline()

    queues, due = [list(facts) for facts in histories], None
    while any(queues):
        batch = [random.choice(list(filter(None, queues))).pop(0)]
        while random.random() < 0.6 and any(queues):
            batch.append(random.choice(list(filter(None, queues))).pop(0))
        due = call(lambda journaled, batch=batch: journaled.on_facts(bag, pack_of(batch)))
        if due < FINAL and random.random() < 0.3:
            due = call(lambda journaled, due=due: journaled.on_time(bag, due))
    while due is not None:
        due = call(lambda journaled, due=due: journaled.on_time(bag, due))
    assert bag.segments == []
    return final(records)


def finished(view: StatsView, records: list[tuple[bytes, bytes]]) -> Records:
    """What remains of these records and of all that the view still writes."""
    while (due := view.deadline()) is not None:
        records = records + view.on_time(due).records
    return final(records)


@settings(max_examples=200, deadline=None)
@given(tallies(), st.randoms(use_true_random=False))
def test_any_order_any_batches_and_any_restore_end_in_the_records_of_the_last_tallies(histories, random):
    for key, is_skew in ((KEY, False), (SKEW, True)):
        chosen = [history for history in histories if isinstance(history[0], ClockBound) == is_skew]
        view = any_view(key)
        expected = finished(view, view.on_facts([history[-1] for history in chosen]).records)
        with small_journals():
            assert expected == in_any_order(chosen, key, random, random.choice([0.0, 0.3, 1.0]))
        assert all(value["final"] for value in expected.values())


@settings(max_examples=100, deadline=None)
@given(tallies())
def test_a_snapshot_builds_the_same_view_and_writes_nothing_new_later(histories):
    facts = [fact for history in histories for fact in history if not isinstance(fact, ClockBound)]
    view, restored = any_view(), any_view()
    view.on_facts(facts)
    restored.restore(view.snapshot())
    assert (bool(view.size()), view.deadline()) == (bool(restored.size()), restored.deadline())
    assert taken(restored, *facts[-1:]) == {}, "it is known already, and written"
    assert finished(view, []) == finished(restored, [])
