"""PathwaysView: how the way of a message follows from its facts, what is told of it, and what it costs to remember."""

import sys
from random import Random
from typing import Any

import orjson
import pytest

from tests.histories import START, date_at
from tests.pathways import QUIET, any_view, guesses, read, sent, take, told, values
from transforms.input.traces import Trace
from transforms.pathways.pathway_facts import MAX_TRAIL_FACTS

RETENTION = 86_400_000


def pathway_of(*items: Trace) -> dict[str, Any]:
    """The record of these facts, all in time."""
    [value] = values(take(any_view(), *items, until=10 * QUIET))
    return value


def at(ms: int) -> str:
    return date_at((START + ms) * 10**6, 3)


# What a pathway is ----------------------------------------------------------------------------------------------------


def test_a_forwarded_message_is_written_with_every_hop_its_residence_and_its_latency():
    items = sent("a", 0), read("a", "g", 100), sent("b", 250), read("b", "h", 300, "last")
    outputs = take(any_view(cluster="one"), *items, until=10 * QUIET)
    assert [orjson.loads(key) for key, _ in outputs.records] == [{"correlationId": "correlation"}]
    assert values(outputs) == [
        {
            "correlationId": "correlation",
            "origin": {"topic": "a", "clientId": "producer", "date": at(0)},
            "hops": [
                {
                    "fromTopic": "a", "groupId": "g", "clientId": "consumer", "consumedAt": at(100),
                    "toTopic": "b", "sentBy": "producer", "sentAt": at(250), "residenceMs": 150, "fromOriginMs": 250,
                },
                {
                    "fromTopic": "b", "groupId": "h", "clientId": "last", "consumedAt": at(300), "fromOriginMs": 300,
                },
            ],
            "complete": True,
            "cluster": "one",
        }
    ]  # fmt: skip
    assert told(outputs) == {(0, "a", "g", "b"): (1, [1, 150, 150], [1, 250, 250])}


def test_an_edge_counts_the_messages_of_which_it_is_a_guess_who_sent_them():
    """SEND a; CONSUME a by g; CONSUME a by h; SEND b by another client; SEND c by the client of g."""
    items = sent("a", 0), read("a", "g", 10, "x"), read("a", "h", 15), sent("b", 20), sent("c", 30, "x")
    outputs = take(any_view(), *items, until=10 * QUIET)
    assert told(outputs).keys() == {(0, "a", "h", "b"), (0, "a", "g", "c")}
    assert guesses(outputs) == {(0, "a", "h", "b"): 1}


def forwarder(*items: Trace) -> tuple[Any, ...]:
    """Topic, group, date and doubt of who forwarded the message into `b`."""
    [hop] = [hop for hop in pathway_of(sent("a", 0), *items)["hops"] if hop.get("toTopic") == "b"]
    return hop.get("fromTopic"), hop.get("groupId"), hop.get("consumedAt"), hop.get("ambiguous", False)


@pytest.mark.parametrize(
    ("items", "expected"),
    [
        ([read("a", "g", 10), sent("b", 20)], ("a", "g", at(10), False)),
        ([read("a", "g", 20), sent("b", 20)], ("a", "g", at(20), False)),
        ([read("a", "g", 10, "x"), read("a", "h", 15), sent("b", 20, "x")], ("a", "g", at(10), False)),
        ([read("a", "g", 10, "x"), read("a", "g", 12, "x"), sent("b", 20, "x")], ("a", "g", at(12), False)),
        ([read("a", "g", 10), read("a", "h", 15), sent("b", 20)], ("a", "h", at(15), True)),
        ([read("a", "g", 10), read("a", "g", 15), sent("b", 20)], ("a", "g", at(15), False)),
        ([read("a", "g", 21, "x"), read("a", "h", 15), sent("b", 20, "x")], ("a", "h", at(15), False)),
        ([read("a", "g", 21), sent("b", 20)], (None, None, None, False)),
        ([read("b", "g", 10), sent("b", 20)], (None, None, None, False)),
    ],
    ids=[
        "read before it was sent", "read at the same date", "the client that sent it", "the last read of that client",
        "the latest of two groups is a guess", "one group twice is none", "not who read it later",
        "read only after it was sent", "read only from the topic itself",
    ],
)  # fmt: skip
def test_who_forwarded_a_message_is_decided_by_client_and_then_by_date(items, expected):
    assert forwarder(*items) == expected


def test_a_group_that_only_reads_is_a_leaf_once_however_often_it_reads():
    value = pathway_of(
        sent("a", 0), read("a", "g", 10), read("a", "g", 40), sent("b", 20), read("a", "h", 50), read("a", "h", 30)
    )
    leaves = [(hop["groupId"], hop["consumedAt"]) for hop in value["hops"] if "toTopic" not in hop]
    assert leaves == [("h", at(30))]


def test_a_message_whose_first_send_nobody_traced_begins_where_it_was_read_first_and_has_no_latency_from_there():
    view = any_view()
    outputs = take(view, read("a", "g", 10), sent("b", 20), read("b", "h", 30), until=10 * QUIET)
    [value] = values(outputs)
    assert value["origin"] == {"topic": "a"}
    assert [hop.get("fromOriginMs") for hop in value["hops"]] == [None, None]
    assert told(outputs) == {(0, "a", "g", "b"): (1, [1, 10, 10], [0, 0, 0])}


def test_a_producer_whose_clock_is_ahead_is_the_origin_all_the_same_and_nothing_is_clamped():
    value = pathway_of(sent("a", 5000), read("a", "g", 10), sent("b", 20))
    assert value["origin"] == {"topic": "a", "clientId": "producer", "date": at(5000)}
    assert [(hop["groupId"], hop["residenceMs"], hop["fromOriginMs"]) for hop in value["hops"]] == [("g", 10, -4980)]


def test_a_fan_out_by_the_producer_is_a_hop_that_no_group_made():
    outputs = take(any_view(), sent("a", 0), sent("b", 5), until=10 * QUIET)
    [value] = values(outputs)
    assert value["hops"] == [{"toTopic": "b", "sentBy": "producer", "sentAt": at(5), "fromOriginMs": 5}]
    assert outputs.facts == []


def test_three_topics_in_a_row_have_their_hops_in_order_and_each_its_own_edge():
    items = [sent("a", 0), read("a", "g", 10, "G"), sent("b", 20, "G"), read("b", "h", 60_020, "H")]
    outputs = take(any_view(), *items, sent("c", 60_050, "H"), read("c", "i", 60_060), until=10 * QUIET)
    [value] = values(outputs)
    assert [(hop["fromTopic"], hop.get("toTopic")) for hop in value["hops"]] == [("a", "b"), ("b", "c"), ("c", None)]
    assert told(outputs) == {
        (0, "a", "g", "b"): (1, [1, 10, 10], [1, 20, 20]),
        (60_000, "b", "h", "c"): (1, [1, 30, 30], [1, 60_050, 60_050]),
    }


# When it is written ---------------------------------------------------------------------------------------------------


def test_a_pathway_is_written_when_nothing_came_for_a_while_and_not_before():
    view = any_view()
    assert values(take(view, sent("a", 0), read("a", "g", 10), until=QUIET - 1)) == []
    assert values(take(view, sent("b", QUIET), until=2 * QUIET - 1)) == []
    assert [value["complete"] for value in values(take(view, until=2 * QUIET))] == [True]


def test_one_topic_gives_no_pathway_and_no_tally():
    outputs = take(any_view(), sent("a", 0), read("a", "g", 10), read("a", "h", 10), until=10 * QUIET)
    assert (outputs.records, outputs.facts, outputs.findings) == ([], [], [])


def test_a_second_topic_hours_later_makes_the_pathway_all_the_same():
    view = any_view()
    take(view, sent("a", 0), read("a", "g", 10), until=5 * QUIET)
    assert not view._hot
    hours = 20 * 3_600_000
    [value] = values(take(view, sent("b", hours), until=hours + 2 * QUIET))
    assert [(hop["groupId"], hop["residenceMs"]) for hop in value["hops"]] == [("g", hours - 10)]


def test_a_late_fact_that_changes_a_pathway_writes_it_again_and_moves_its_hop_to_the_other_edge():
    view = any_view()
    first = take(view, sent("a", 0), read("a", "g", 10), sent("b", 50), until=5 * QUIET)
    again = take(view, read("a", "h", 40, id="late"), until=10 * QUIET)
    [value] = values(again)
    assert value["revision"] == 2
    assert [(hop["groupId"], hop.get("toTopic")) for hop in value["hops"]] == [("g", None), ("h", "b")]
    assert told(first) == {(0, "a", "g", "b"): (1, [1, 40, 40], [1, 50, 50])}
    assert told(again) == {(0, "a", "g", "b"): None, (0, "a", "h", "b"): (1, [1, 10, 10], [1, 50, 50])}


def test_what_changes_nothing_is_not_written_again():
    view = any_view()
    items = sent("a", 0), read("a", "g", 10), sent("b", 50)
    take(view, *items, until=5 * QUIET)
    again = take(view, *items, read("a", "g", 70), until=10 * QUIET)
    assert (again.records, again.facts, again.counts) == ([], [], {})


def test_a_shard_tells_the_statistics_once_in_ten_seconds_of_event_time_however_many_facts_come():
    view = any_view()
    tellings = 0
    for number in range(100):
        name = {"correlation_id": f"m{number}"}
        now = number * 1000
        items = sent("a", now, **name), read("a", "g", now + 1, **name), sent("b", now + 2, **name)
        tellings += len(told(take(view, *items, until=now)))
    assert 9 <= tellings <= 11
    assert told(take(view, until=200_000))[60_000, "a", "g", "b"] == (40, [40, 1, 1], [40, 2, 2])


def test_the_end_of_a_bounded_input_ends_all_waits_and_leaves_nothing():
    view = any_view()
    take(view, sent("a", 0), read("a", "g", 10), sent("b", 50))
    outputs = take(view, until=2**62 - START)
    assert [value["complete"] for value in values(outputs)] == [True]
    assert list(told(outputs)) == [(0, "a", "g", "b")]
    assert (view.size(), view.deadline()) == (0, None)


# What it costs --------------------------------------------------------------------------------------------------------


def test_retention_forgets_trails_and_edges():
    view = any_view()
    take(view, sent("a", 0), read("a", "g", 10), sent("b", 50), until=5 * QUIET)
    assert view.size() > 0
    take(view, until=2 * RETENTION)
    assert (view.size(), view.deadline()) == (0, None)


def test_a_message_of_one_topic_takes_less_than_seventy_bytes_once_it_is_quiet():
    random = Random(0)  # noqa: S311
    view, count = any_view(), 20_000
    for number in range(count):
        digits = f"{random.getrandbits(128):032x}"
        name = f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"
        now = number * 100
        take(view, sent("a", now, correlation_id=name), read("a", "g", now + 7, correlation_id=name), until=now)
    take(view, until=count * 100 + 2 * QUIET)
    assert not view._hot
    per_message = view._cold.weight() / count
    assert 50 < per_message < 70
    held = sum(sys.getsizeof(chunk.log) for chunk in view._cold._store._chunks.values())
    assert held + sum(map(sys.getsizeof, view._cold._store._index)) < 1.2 * view._cold.weight()


def test_a_correlation_id_of_too_many_facts_is_cut_with_one_finding_and_its_record_says_so():
    view = any_view()
    outputs = take(view, *(sent(f"t{number % 2}", number) for number in range(MAX_TRAIL_FACTS + 9)))
    assert view.size() == MAX_TRAIL_FACTS
    assert outputs.counts == {"evicted": 9}
    assert [orjson.loads(found.value)["id"] for found in outputs.findings] == ["evicted:paths:correlation"]
    assert [value["complete"] for value in values(take(view, until=10 * QUIET))] == [False]


def test_a_shard_that_holds_too_much_gives_up_the_oldest_and_writes_what_it_knows_of_them():
    view = any_view(limit=30)
    named = [{"correlation_id": f"m{number}"} for number in range(12)]
    items = [
        item
        for number, name in enumerate(named)
        for item in (sent("a", number, **name), read("a", "g", number, **name), sent("b", number, **name))
    ]
    outputs = take(view, *items)
    assert view.size() <= 27
    assert [(value["correlationId"], value["complete"]) for value in values(outputs)][:1] == [("m0", False)]
    assert outputs.counts["evicted"] == 3 * len(outputs.records)
    assert [orjson.loads(found.value)["reason"] for found in outputs.findings] == ["evicted"]


def test_quiet_trails_and_edges_count_for_the_limit_too():
    view = any_view(limit=30)
    evicted = 0
    for number in range(400):
        name = {"correlation_id": f"m{number}"}
        now = number * 60_000
        items = sent("a", now, **name), read("a", "g", now, **name), sent("b", now, **name)
        evicted += take(view, *items, until=now).counts["evicted"]
        assert view.size() <= 30
    assert evicted > 400
