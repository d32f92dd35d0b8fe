"""Packs: the facts of a bundle, one element per key."""

import pytest
from apache_beam.utils.timestamp import Timestamp
from hypothesis import given
from hypothesis import strategies as st

from tests.block_facts import ack, commit, read, send
from tests.histories import START
from transforms.join.block_view import BlockView
from transforms.locate.followers_view import FollowersView
from transforms.state.facts import Ended, LocatedSends, ProducerAnswered
from transforms.state.group_facts import BlockSeen
from transforms.state.packs import MAX_PACK_FACTS, Packer, PackFacts, _with_end, pack_of
from transforms.stats.stats_facts import FindingsCounted
from transforms.stats.stats_view import StatsView

INT64 = st.integers(-(2**63), 2**63 - 1)
FACTS = st.one_of(
    st.builds(ProducerAnswered, st.text(), INT64, st.booleans()),
    st.builds(ack, st.text(min_size=1), st.integers(0, 2**62), correlation=st.none() | st.text()),
    st.builds(read, st.text(min_size=1), st.integers(0, 2**62), extra=st.none() | st.just({"zone": [1, {"a": None}]})),
    st.builds(commit, st.text(min_size=1), st.integers(-1, 2**62), repeated=st.booleans()),
    st.builds(send, st.text(min_size=1), version=st.integers(2, 9), live=st.booleans()),
)


def fact(number: int) -> BlockSeen:
    return BlockSeen(number, 0)


decode = FollowersView.decode


@given(st.lists(FACTS))
def test_facts_come_back_as_they_were_in_order(facts):
    assert BlockView.decode(pack_of(facts)) == facts
    assert pack_of(facts) == pack_of(iter(facts))


def test_sends_that_are_told_for_the_first_time_become_columns():
    first, moved, answered = send("s1", 3), send("s2", 4, version=2), send("s3", 5, answered=True)
    gone, last = send("s4", 6, live=False), send("s5", 7)
    *others, columns = BlockView.decode(pack_of([first, moved, answered, gone, last]))
    assert others == [moved, answered, gone]
    assert columns == LocatedSends.of([first, last], bytes([first.digits, last.digits]))
    assert columns.ids == ["s1", "s5"]


def test_facts_leave_grouped_by_destination_and_key_in_order_of_arrival():
    packer = Packer()
    for number, (destination, key) in enumerate([("a", b"1"), ("b", b"1"), ("a", b"2"), ("a", b"1")]):
        assert not packer.add((destination, key, 100 - number, fact(number)))
    flushed = {(d, element.value[0]): element for d, element in packer.flush()}
    assert decode(flushed["a", b"1"].value[1]) == [fact(0), fact(3)]
    assert decode(flushed["b", b"1"].value[1]) == [fact(1)]
    assert decode(flushed["a", b"2"].value[1]) == [fact(2)]


def test_the_time_of_a_pack_is_that_of_its_earliest_fact():
    packer = Packer()
    for timestamp in (500, 200, 900):
        packer.add(("a", b"1", timestamp, fact(0)))
    [(_, element)] = packer.flush()
    assert element.timestamp.micros == 200_000


def test_a_full_pack_is_taken_out_at_once_and_the_next_begins_anew():
    packer = Packer()
    full = [packer.add(("a", b"1", 1, fact(number))) for number in range(MAX_PACK_FACTS)]
    assert full == [False] * (MAX_PACK_FACTS - 1) + [True]
    key, pack = packer.take("a", b"1")
    assert (key, len(decode(pack))) == (b"1", MAX_PACK_FACTS)
    assert not packer.add(("a", b"1", 7, fact(1)))
    [(_, element)] = packer.flush()
    assert decode(element.value[1]) == [fact(1)]
    assert element.timestamp.micros == 7_000


def test_what_was_flushed_is_gone():
    packer = Packer()
    packer.add(("a", b"1", 1, fact(0)))
    assert len(list(packer.flush())) == 1
    assert list(packer.flush()) == []


def test_each_bundle_gives_a_pack_for_each_key_and_a_full_one_before_its_end():
    step = PackFacts(lambda number, told: [("a", b"%d" % (number % 2), told, fact(number))] if number else [])
    step.start_bundle()
    early = [pack for number in range(2 * MAX_PACK_FACTS + 1) for pack in step.process(number, Timestamp(7))]
    assert [(key, len(decode(pack))) for key, pack in early] == [(b"1", MAX_PACK_FACTS), (b"0", MAX_PACK_FACTS)]
    assert list(step.finish_bundle()) == []
    assert list(step.process(1, Timestamp(-5))) == []
    [last] = step.finish_bundle()
    assert (last.value, last.timestamp) == ((b"1", pack_of([fact(1)])), Timestamp(0))
    step.process(1, Timestamp(0))
    step.start_bundle()
    assert list(step.finish_bundle()) == []


def test_an_element_may_give_several_facts():
    step = PackFacts(lambda numbers, told: [("a", b"1", told, fact(number)) for number in numbers])
    step.start_bundle()
    assert list(step.process([1, 2], Timestamp(7))) == []
    [pack] = step.finish_bundle()
    assert decode(pack.value[1]) == [fact(1), fact(2)]


@pytest.mark.parametrize(
    ("facts", "of_view"), [([ack()], BlockView.decode), ([FindingsCounted("lost", "g", 1, 0, 1)], StatsView.decode)]
)
def test_a_pack_of_bounded_input_says_at_its_end_when_the_input_ends(facts, of_view):
    key, pack = _with_end((b"1", pack_of(facts)), START)
    assert (key, of_view(pack)) == (b"1", [*facts, Ended(START)])
