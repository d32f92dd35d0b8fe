"""Findings become incidents: one line for one thing that happened."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from tracing_aggregator.explain.incidents.grouped import incidents
from transforms.input.dates import date_of

Value = dict[str, Any]
START_MS = 1_767_396_600_000  # 2026-01-02T23:30:00Z


def any_finding(reason: str, offset: int | None = None, at_s: float = 0, **known: Any) -> Value:
    date = date_of(START_MS + int(at_s * 1000))
    place = {} if offset is None else {"partition": 0, "offset": offset}
    name = ":".join(str(part) for part in (reason, known.get("groupId"), known.get("partition", 0), offset, at_s))
    return {"id": name, "reason": reason, "topic": "orders", "date": date, **place, **known}


def rewind(offset: int, back_from: int, at_s: float = 10, **known: Any) -> Value:
    return any_finding("rewound", offset, at_s, fromOffset=back_from, groupId="shipping", **known)


def read_again(offset: int, at_s: float = 9, cause: str = "rewind", **known: Any) -> Value:
    return any_finding("over-consumed", offset, at_s, **{"groupId": "shipping", "cause": cause, **known})


def test_a_rewind_and_what_was_read_again_are_one_line():
    again = [read_again(offset, 9 + offset / 100) for offset in range(40, 98)]
    [found] = incidents([*again, rewind(78, 98)])
    assert found.text == "shipping went back 20 offsets in orders: 58 messages read again"
    assert (found.reason, found.number, found.consequences) == ("rewound", 1, {"over-consumed": 58})


def test_a_rewind_of_several_partitions_is_one():
    findings = [rewind(10, 20), rewind(30, 45, 12, partition=1)]
    [found] = incidents(findings)
    assert found.text == "shipping went back 25 offsets in orders"


def test_two_rewinds_a_minute_apart_are_two_and_each_has_its_own_deliveries():
    late, early = incidents([rewind(10, 20, 0), rewind(10, 20, 100), read_again(15, 1), read_again(15, 99)])
    assert (early.consequences, late.consequences) == ({"over-consumed": 1}, {"over-consumed": 1})
    assert early.first is not None
    assert late.first is not None
    assert early.first < late.first


def test_what_another_group_read_again_is_no_part_of_a_rewind():
    found = incidents([rewind(10, 20), read_again(15, groupId="billing")])
    assert sorted(one.reason for one in found) == ["over-consumed", "rewound"]


def test_a_lost_message_is_one_line_with_those_who_did_not_read_it():
    missed = [any_finding("unconsumed", 42, groupId=group) for group in ("shipping", "billing")]
    [found] = incidents([*missed, any_finding("lost", 42)])
    assert found.text == (
        "1 message of orders lost: acknowledged, and not in the log; billing and shipping did not read it"
    )
    assert found.examples == ("orders/0/42",)


def test_a_refused_send_takes_its_unlinked_trace_with_it():
    known = {"correlationId": "e867aea9"}
    [found] = incidents([any_finding("unlinked", **known), any_finding("send-failed", at_s=1, **known)])
    assert (found.reason, found.examples) == ("send-failed", ("e867aea9",))


def test_a_run_of_equal_findings_is_one_line_with_count_first_last_and_examples():
    [found] = incidents([any_finding("unacked", offset, 30 * offset) for offset in range(8)])
    assert (found.number, found.first, found.last) == (8, date_of(START_MS), date_of(START_MS + 210_000))
    assert found.examples == tuple(f"orders/0/{offset}" for offset in range(5))
    assert found.text == "8 messages of orders never acknowledged to the producer"


def test_a_quiet_minute_ends_a_run():
    assert len(incidents([any_finding("unacked", 1, 0), any_finding("unacked", 2, 60.001)])) == 2


def test_what_was_read_again_for_different_causes_is_told_apart():
    found = incidents([read_again(1, cause="rebalance"), read_again(2, cause="redelivery")])
    assert sorted(one.text for one in found) == [
        "shipping read 1 message of orders again: another client of the group took over",
        "shipping read 1 message of orders again: it was not committed in between",
    ]


def test_messages_that_a_group_jumped_over_belong_to_the_jump():
    jump = any_finding("gap", 70, fromOffset=20, groupId="billing")
    missed = [any_finding("unconsumed", offset, groupId="billing") for offset in (20, 21, 70)]
    found = {one.reason: one for one in incidents([jump, *missed])}
    assert found["gap"].consequences == {"unconsumed": 2}
    assert found["unconsumed"].number == 1


def test_a_summary_counts_for_all_that_it_stands_for():
    start = date_of(START_MS)
    summary = any_finding(
        "unacked", summary=True, count=70, found=90, windowStart=start, examples=[{"partition": 3, "offset": 9}]
    )
    [found] = incidents([any_finding("unacked", 1), summary])
    assert (found.number, found.examples) == (71, ("orders/0/1", "orders/3/9"))


def test_a_summary_of_deliveries_within_a_rewind_belongs_to_it():
    summary = any_finding(
        "over-consumed", summary=True, count=40, found=40, groupId="shipping", examples=[{"partition": 0, "offset": 15}]
    )
    [found] = incidents([rewind(10, 20), summary])
    assert found.consequences == {"over-consumed": 40}


def test_an_incident_is_open_as_long_as_one_of_its_findings_is():
    closed = any_finding("unacked", 1, resolved=True)
    assert [one.is_open for one in incidents([closed])] == [False]
    assert [one.is_open for one in incidents([closed, any_finding("unacked", 2)])] == [True]


def test_its_id_stays_while_it_grows():
    [before] = incidents([any_finding("unacked", 1, 0)])
    [after] = incidents([any_finding("unacked", 1, 0), any_finding("unacked", 2, 5)])
    assert before.id == after.id


@given(
    st.lists(
        st.tuples(st.sampled_from(["lost", "unconsumed", "over-consumed", "rewound"]), st.integers(0, 9)), unique=True
    ),
    st.randoms(),
)
def test_no_finding_is_left_out_or_told_twice_in_any_order(drawn, random):
    findings = [
        any_finding(reason, offset, offset, groupId="shipping", cause="rewind", fromOffset=offset + 3)
        for reason, offset in drawn
    ]
    in_order = incidents(findings)
    random.shuffle(findings)
    assert incidents(findings) == in_order
    told = [one["id"] for found in in_order for one in (*found.findings, *found.folded)]
    assert sorted(told) == sorted(one["id"] for one in findings)


def test_the_offset_that_was_committed_before_a_rewind_was_read_again_too():
    [found] = incidents([rewind(10, 20), read_again(20)])
    assert found.consequences == {"over-consumed": 1}


def test_consumers_without_a_group_are_told_as_such():
    [found] = incidents([any_finding("unconsumed", 1, groupId="")])
    assert found.text == "(no group) went past 1 message of orders without reading it"
