"""StatsView: the statistics of a window are those of the last tallies, and final when nothing can change them."""

from random import Random
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.pure_run import MemoryBag, small_journals
from transforms.addresses import skew_key, window_key
from transforms.journal import Ledger
from transforms.latency_sketch import LatencySketch
from transforms.packs import encode
from transforms.stats_view import StatsView
from transforms.waits import Waits

MINUTE = 60_000
START = 1_795_359_240_000
ISO = "2026-11-22T14:54:00.000Z"
WAITS = Waits()
FINAL = START + MINUTE + WAITS.retention + WAITS.trim_interval + MINUTE
KEY = window_key("orders", START)
SKEW = skew_key("a", "b", START)

Records = dict[tuple[str, ...], dict[str, Any]]


def any_view(key: bytes = KEY, **options: Any) -> StatsView:
    return StatsView(key, **{"waits": WAITS} | options)


def sketch(*latencies: int) -> Any:
    sketch = LatencySketch()
    for ms in latencies:
        sketch.add(ms)
    return sketch.as_json()


def topic(partition: int = 0, block: int = 0, *, at: int | None = None, **tally: Any) -> Any:
    event = ("T", partition, block, {"produced": 2, "sent": 2, "acked": 1, "traced": 2, "low": 0, "high": 3} | tally)
    return event if at is None else (*event, at)


def group(name: str = "g", block: int = 0, **tally: Any) -> Any:
    return "G", 0, block, name, {"expected": 2, "actual": 1, "commitsSeen": False} | tally


def taken(view: StatsView, *events: Any) -> dict[str, dict[str, Any]]:
    """What the view writes for a batch: values by kind, or by group or source topic of an edge."""
    values = [orjson.loads(value) for _, value in view.apply([list(event) for event in events]).records]
    return {value.get("fromTopic") or value.get("groupId") or value["kind"]: value for value in values}


def test_a_topic_record_sums_its_blocks_and_a_tally_replaces_the_one_before():
    view = any_view(cluster="east")
    taken(view, topic(block=0, produced=7), topic(block=1, produced=5, low=4, high=9, unknownProduceTime=1))
    assert taken(view, topic(block=0, produced=6, ack=sketch(-3, 10, 20)))["topic"] == {
        "kind": "topic", "topic": "orders", "windowStart": ISO, "cluster": "east", "produced": 11, "sent": 4,
        "acked": 2, "unknownProduceTime": 1, "coverage": {"traced": 4, "offsets": 10, "ratio": 0.4},
        "ackLatencyMs": LatencySketch.from_json(sketch(-3, 10, 20)).summary(), "verdicts": {}, "groups": [],
    }  # fmt: skip


def test_coverage_counts_the_offsets_of_each_partition():
    written = taken(any_view(), topic(0, 0, low=10, high=19), topic(0, 5, low=25, high=29), topic(1, 0, low=0, high=4))
    assert written["topic"]["coverage"] == {"traced": 6, "offsets": 25, "ratio": 0.24}


def test_no_offset_no_coverage_and_no_latency_no_summary():
    written = taken(any_view(), topic(low=None, high=None, ack=sketch()))["topic"]
    assert not {"coverage", "ackLatencyMs"} & written.keys()


def test_a_group_has_a_record_of_its_own_and_the_topic_names_it():
    written = taken(any_view(), topic(), group(over=1, consume=sketch(5, 7)), group(block=1, commit=sketch(90)))
    assert written["topic"]["groups"] == ["g"]
    assert written["g"] == {
        "kind": "group", "topic": "orders", "groupId": "g", "windowStart": ISO, "expected": 4, "actual": 2, "over": 1,
        "under": 0, "committed": 0, "slaBreaches": 0, "commits": "none seen", "verdicts": {},
        "consumeLatencyMs": LatencySketch.from_json(sketch(5, 7)).summary(),
        "commitLatencyMs": LatencySketch.from_json(sketch(90)).summary(),
    }  # fmt: skip


def test_one_block_in_which_a_group_was_seen_committing_is_enough():
    assert "commits" not in taken(any_view(), group(), group(block=1, commitsSeen=True))["g"]


def test_only_records_that_change_are_written_again():
    view = any_view()
    assert taken(view, topic(), group()).keys() == {"topic", "g"}
    assert taken(view, topic(), group()) == {}
    assert taken(view, group(actual=2)).keys() == {"g"}
    assert taken(view, topic(acked=2)).keys() == {"topic"}
    assert taken(view, group("another")).keys() == {"topic", "another"}


def test_verdicts_are_counted_per_group_and_the_topic_has_them_all():
    view = any_view()
    written = taken(view, topic(), ("F", "unacked", None, 3), ("F", "unconsumed", "g", 2), ("F", "unconsumed", "h", 4))
    assert written["topic"]["verdicts"] == {"unacked": 3, "unconsumed": 6}
    assert (written["g"]["verdicts"], written["h"]["verdicts"]) == ({"unconsumed": 2}, {"unconsumed": 4})
    assert "commits" not in written["g"], "nothing was tallied of it, so nothing is known of its commits"
    assert taken(view, ("F", "unacked", None, 0))["topic"]["verdicts"] == {"unconsumed": 6}
    assert taken(view, ("F", "unacked", None, 0)) == {}


def test_an_edge_has_a_record_of_its_own():
    tally = {"count": 2, "residence": sketch(5, 7), "fromOrigin": sketch(50)}
    view = any_view()
    assert taken(view, ("P", 3, "raw", "g", tally)) == {
        "raw": {
            "kind": "edge", "fromTopic": "raw", "groupId": "g", "toTopic": "orders", "windowStart": ISO, "count": 2,
            "residenceMs": LatencySketch.from_json(sketch(5, 7)).summary(),
            "fromOriginMs": LatencySketch.from_json(sketch(50)).summary(),
        }
    }  # fmt: skip
    written = taken(view, ("P", 4, "raw", "g", {"count": 1, "ambiguous": 1}))["raw"]
    assert (written["count"], written["ambiguous"]) == (3, 1)
    assert taken(view, ("P", 3, "raw", "g", {"count": 1}))["raw"]["count"] == 2


def test_keys_hold_what_identifies_a_record():
    keys = [orjson.loads(key) for key, _ in any_view().apply([topic(), group(), ["P", 0, "raw", "g", {}]]).records]
    assert {"topic": "orders", "windowStart": ISO} in keys
    assert {"topic": "orders", "groupId": "g", "windowStart": ISO} in keys
    assert {"fromTopic": "raw", "groupId": "g", "toTopic": "orders", "windowStart": ISO} in keys


def test_what_is_withdrawn_altogether_is_written_as_withdrawn_once():
    view = any_view()
    taken(view, topic(), group())
    written = taken(view, ("G", 0, 0, "g", None))
    assert written["g"] == {
        "kind": "group", "topic": "orders", "groupId": "g", "windowStart": ISO, "withdrawn": True,
    }  # fmt: skip
    assert written["topic"]["groups"] == []
    assert taken(view, ("G", 0, 0, "g", None)) == {}
    assert taken(view, ["X", FINAL]).keys() == {"topic"}


def test_min_and_max_follow_when_the_tally_that_had_them_is_replaced():
    view = any_view()
    taken(view, topic(block=0, ack=sketch(1, 900)), topic(block=1, ack=sketch(5, 6)))
    latency = taken(view, topic(block=0, ack=sketch(7)))["topic"]["ackLatencyMs"]
    assert (latency["min"], latency["max"], latency["count"], latency["avg"]) == (5, 7, 3, 6)


def test_a_window_is_final_once_when_no_view_remembers_anything_that_could_change_it():
    view = any_view()
    taken(view, topic(), group())
    assert view.deadline() == FINAL
    assert taken(view, ("X", FINAL - 1)) == {}
    written = taken(view, ("X", FINAL))
    assert [value["final"] for value in written.values()] == [True, True]
    assert (view.deadline(), view.facts(), list(view.snapshot())) == (None, 0, [])


def test_what_changes_within_a_second_of_the_facts_own_time_is_written_together():
    view = any_view()
    assert taken(view, topic(produced=1, at=START + 100))["topic"]["produced"] == 1
    assert taken(view, topic(produced=2, at=START + 300)) == taken(view, topic(produced=3, at=START + 900)) == {}
    assert view.deadline() == START + 1000
    assert taken(view, ("X", START + 1000))["topic"]["produced"] == 3
    assert taken(view, topic(produced=4, at=START + 1900)) == {}
    assert taken(view, topic(produced=5, at=START + 2000))["topic"]["produced"] == 5
    assert view.deadline() == FINAL


def test_what_waits_to_be_written_survives_a_snapshot():
    view, restored = any_view(), any_view()
    taken(view, topic(at=START), group("written"))
    taken(view, topic(at=START), group("waiting"), ("G", 0, 0, "written", None))
    assert taken(restored, *view.snapshot()) == {}
    assert restored.deadline() == view.deadline() == START + 1000
    expected = taken(view, ("X", START + 1000))
    assert expected["written"]["withdrawn"] is True
    assert expected.keys() == {"topic", "written", "waiting"}
    assert expected == taken(restored, ("X", START + 1000))


def test_a_window_stays_open_for_the_retention_of_its_newest_fact():
    view = any_view()
    late = START + 7 * 60 * MINUTE
    taken(view, topic(at=late))
    assert view.deadline() == late + FINAL - START - MINUTE
    assert taken(view, ("X", FINAL)) == {}


@pytest.mark.parametrize(("end", "final"), [(FINAL - 1, False), (FINAL, True), (None, False)])
def test_bounded_input_is_written_once_and_final_only_if_it_ends_late_enough(end, final):
    view = any_view(bounded=True)
    assert taken(view, topic(), *([("E", end)] if end else [])) == {}
    assert taken(view, group()) == {}
    written = taken(view, ("X", 2**62))
    assert written.keys() == {"topic", "g"}
    assert ("final" in written["topic"], "final" in written["g"]) == (final, final)
    assert view.facts() == 0


def test_the_skew_of_two_clocks_lies_between_the_tightest_bounds_of_both_directions():
    view = any_view(SKEW)
    written = taken(view, ("B", "orders-0", "b", "a", 30))["clockSkew"]
    assert written == {
        "kind": "clockSkew", "clients": ["a", "b"], "windowStart": ISO, "lowerMs": None, "upperMs": 30,
    }  # fmt: skip
    assert taken(view, ("B", "orders-1", "b", "a", 40)) == {}
    both = taken(view, ("B", "orders-0", "a", "b", -11))["clockSkew"]
    assert (both["lowerMs"], both["upperMs"], both["correctionMs"]) == (11, 30, 20.5)
    assert taken(view, ("B", "orders-0", "b", "a", None))["clockSkew"]["upperMs"] == 40
    assert taken(view, ("X", view.deadline()))["clockSkew"]["final"] is True


def test_bounds_that_contradict_each_other_give_no_correction():
    written = taken(any_view(SKEW), ("B", "s", "b", "a", 5), ("B", "s", "a", "b", -9))["clockSkew"]
    assert (written["lowerMs"], written["upperMs"], written["inconsistent"]) == (9, 5, True)
    assert "correctionMs" not in written


# Any order ------------------------------------------------------------------------------------------------------------

LATENCIES = st.lists(st.integers(-5, 2000), max_size=5)
SMALL = st.integers(0, 3)


@st.composite
def tallies(draw: Any) -> list[Any]:
    """Per source what it said in order, the last one being what counts; each event with a time or without."""
    histories = []
    for source in draw(st.lists(st.tuples(st.sampled_from("TGPFB"), SMALL, SMALL), unique=True, max_size=12)):
        kind, one, two = source
        at = draw(st.just(()) | st.tuples(st.integers(START, START + 5000)))
        events = []
        for latencies in draw(st.lists(st.none() | LATENCIES, min_size=1, max_size=4)):
            count = len(latencies or ())
            tally = None if latencies is None else {"n": count, "low": one, "high": one + count}
            if kind == "T":
                tally = tally and tally | {"produced": count, "traced": count, "ack": sketch(*latencies)}
                events.append(("T", one, two, tally, *at))
            elif kind == "G":
                tally = tally and tally | {"expected": count, "consume": sketch(*latencies), "commitsSeen": count > 3}
                events.append(("G", one, two % 2, f"g{two}", tally, *at))
            elif kind == "P":
                tally = tally and {"count": count, "residence": sketch(*latencies)}
                events.append(("P", one, f"from{two}", "g", tally, *at))
            elif kind == "F":
                events.append(("F", f"reason{one}", f"g{two}" if two else None, count, *at))
            else:
                clients = ("a", "b") if one % 2 else ("b", "a")
                events.append(("B", f"s{one}{two}", *clients, latencies[0] if latencies else None))
        histories.append(events)
    return histories


def final(records: list[tuple[bytes, bytes]]) -> Records:
    """The last value of each key, withdrawn ones left out."""
    last = {key: orjson.loads(value) for key, value in records}
    return {key: value for key, value in last.items() if "withdrawn" not in value}


def in_any_order(histories: list[Any], key: bytes, random: Random, restores: float) -> Records:
    """Sources mixed at random, in batches, timers fired and the view restored now and then; at last the window ends."""
    bag, records = MemoryBag(), []

    def call(act: Any) -> int | None:
        if random.random() < restores:
            bag.forget(random)
        ledger, _ = Ledger.open(bag, lambda: any_view(key))
        records.extend(act(ledger).records)
        ledger.rewrite(bag)
        return ledger.view.deadline()

    queues, due = [list(events) for events in histories], None
    while any(queues):
        batch = [random.choice(list(filter(None, queues))).pop(0)]
        while random.random() < 0.6 and any(queues):
            batch.append(random.choice(list(filter(None, queues))).pop(0))
        due = call(lambda ledger, batch=batch: ledger.absorb(bag, encode(batch)))
        if due < FINAL and random.random() < 0.3:
            due = call(lambda ledger, due=due: ledger.expire(bag, due))
    while due is not None:
        due = call(lambda ledger, due=due: ledger.expire(bag, due))
    assert bag.segments == []
    return final(records)


def finished(view: StatsView, records: list[tuple[bytes, bytes]]) -> Records:
    """What remains of these records and of all that the view still writes."""
    while (due := view.deadline()) is not None:
        records = records + view.apply([["X", due]]).records
    return final(records)


@settings(max_examples=200, deadline=None)
@given(tallies(), st.randoms(use_true_random=False))
def test_any_order_any_batches_and_any_restore_end_in_the_records_of_the_last_tallies(histories, random):
    for key, kinds in ((KEY, "TGPF"), (SKEW, "B")):
        events = [history for history in histories if history[0][0] in kinds]
        view = any_view(key)
        expected = finished(view, view.apply([list(history[-1]) for history in events]).records)
        with small_journals():
            assert expected == in_any_order(events, key, random, random.choice([0.0, 0.3, 1.0]))
        assert all(value["final"] for value in expected.values())


@settings(max_examples=100, deadline=None)
@given(tallies())
def test_a_snapshot_builds_the_same_view_and_writes_nothing_new_later(histories):
    events = [list(event) for history in histories for event in history if event[0] != "B"]
    view, restored = any_view(), any_view()
    view.apply(events)
    restored.apply(orjson.loads(encode(view.snapshot())))
    assert (bool(view.facts()), view.deadline()) == (bool(restored.facts()), restored.deadline())
    assert taken(restored, *events[-1:]) == {}, "it is known already, and written"
    assert finished(view, []) == finished(restored, [])
