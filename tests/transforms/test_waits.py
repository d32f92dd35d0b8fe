"""Waits and deadlines."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from transforms.state.waits import Deadlines, Waits, deadline_after


@pytest.mark.parametrize(
    ("timestamp", "wait", "deadline"),
    [(0, 0, 0), (1, 0, 1000), (1000, 10_000, 11_000), (1001, 10_000, 12_000), (1, 60_000, 61_000), (1, 60_001, 70_000),
     (9_999, 120_000, 130_000)],
)  # fmt: skip
def test_deadlines_are_rounded_up_to_a_second_or_to_ten_above_a_minute(timestamp, wait, deadline):
    assert deadline == deadline_after(timestamp, wait)


@given(st.integers(0, 2**41), st.integers(0, 2**31))
def test_a_deadline_is_never_early_and_less_than_ten_seconds_late(timestamp, wait):
    assert 0 <= deadline_after(timestamp, wait) - (timestamp + wait) < 10_000


def test_the_next_look_waits_for_the_oldest_fact_and_for_a_share_of_the_retention():
    waits = Waits(retention=24_000_000)
    assert waits.next_trim(now=0, oldest=50_000_000) == 74_000_000
    assert waits.next_trim(now=90_000_000, oldest=50_000_000) == 91_000_000


def test_a_subject_waits_for_its_last_deadline_only():
    deadlines = Deadlines()
    deadlines.set("a", 10)
    deadlines.set("a", 30)
    assert deadlines.next() == 30
    assert deadlines.due(29) == []
    assert deadlines.due(30) == ["a"]
    assert deadlines.next() is None


def test_a_subject_may_stop_waiting():
    deadlines = Deadlines()
    deadlines.set("a", 10)
    deadlines.set("a", None)
    deadlines.set("b", None)
    assert deadlines.next() is None
    assert deadlines.due(100) == []


def test_subjects_are_due_in_order_of_their_deadlines():
    deadlines = Deadlines()
    for subject, deadline in [("c", 30), ("a", 10), ("b", 20), ("d", 40)]:
        deadlines.set(subject, deadline)
    assert deadlines.due(30) == ["a", "b", "c"]
    assert deadlines.due(30) == []
    assert deadlines.next() == 40


@given(st.lists(st.tuples(st.integers(0, 5), st.none() | st.integers(0, 20)) | st.integers(0, 20)))
def test_deadlines_agree_with_a_plain_dictionary(steps):
    deadlines, plain = Deadlines(), {}
    for step in steps:
        if isinstance(step, tuple):
            subject, deadline = step
            deadlines.set(subject, deadline)
            plain[subject] = deadline
        else:
            due = {subject for subject, deadline in plain.items() if deadline is not None and deadline <= step}
            assert due == set(deadlines.due(step))
            plain = {subject: deadline for subject, deadline in plain.items() if subject not in due}
        assert deadlines.next() == min((d for d in plain.values() if d is not None), default=None)
