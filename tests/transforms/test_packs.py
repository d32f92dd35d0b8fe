"""Packs: the events of a bundle, one element per key."""

from apache_beam.utils.timestamp import Timestamp
from hypothesis import given
from hypothesis import strategies as st

from transforms.packs import MAX_PACK_EVENTS, Packer, PackEvents, decode, encode

PLAIN = st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.text(max_size=5)


@given(st.lists(st.tuples(st.sampled_from("SACK"), PLAIN, PLAIN)))
def test_events_come_back_as_lists_in_order(events):
    assert [list(event) for event in events] == decode(encode(events))
    assert encode(events) == encode(iter(events))


def test_events_leave_grouped_by_destination_and_key_in_order_of_arrival():
    packer = Packer()
    for number, (destination, key) in enumerate([("a", b"1"), ("b", b"1"), ("a", b"2"), ("a", b"1")]):
        assert not packer.add((destination, key, 100 - number, ("E", number)))
    flushed = {(d, element.value[0]): element for d, element in packer.flush()}
    assert decode(flushed["a", b"1"].value[1]) == [["E", 0], ["E", 3]]
    assert decode(flushed["b", b"1"].value[1]) == [["E", 1]]
    assert decode(flushed["a", b"2"].value[1]) == [["E", 2]]


def test_the_time_of_a_pack_is_that_of_its_earliest_event():
    packer = Packer()
    for timestamp in (500, 200, 900):
        packer.add(("a", b"1", timestamp, ("E",)))
    [(_, element)] = packer.flush()
    assert element.timestamp.micros == 200_000


def test_a_full_pack_is_taken_out_at_once_and_the_next_begins_anew():
    packer = Packer()
    full = [packer.add(("a", b"1", 1, ("E", number))) for number in range(MAX_PACK_EVENTS)]
    assert full == [False] * (MAX_PACK_EVENTS - 1) + [True]
    key, pack = packer.take("a", b"1")
    assert (key, len(decode(pack))) == (b"1", MAX_PACK_EVENTS)
    assert not packer.add(("a", b"1", 7, ("E", "next")))
    [(_, element)] = packer.flush()
    assert decode(element.value[1]) == [["E", "next"]]
    assert element.timestamp.micros == 7_000


def test_what_was_flushed_is_gone():
    packer = Packer()
    packer.add(("a", b"1", 1, ("E",)))
    assert len(list(packer.flush())) == 1
    assert list(packer.flush()) == []


def test_each_bundle_gives_a_pack_for_each_key_and_a_full_one_before_its_end():
    step = PackEvents(lambda number, told: ("a", b"%d" % (number % 2), told, ("E", number)) if number else None)
    step.start_bundle()
    early = [pack for number in range(2 * MAX_PACK_EVENTS + 1) for pack in step.process(number, Timestamp(7))]
    assert [(key, len(decode(pack))) for key, pack in early] == [(b"1", MAX_PACK_EVENTS), (b"0", MAX_PACK_EVENTS)]
    assert list(step.finish_bundle()) == []
    assert list(step.process(1, Timestamp(-5))) == []
    [last] = step.finish_bundle()
    assert (last.value, last.timestamp) == ((b"1", encode([("E", 1)])), Timestamp(0))
    step.process(1, Timestamp(0))
    step.start_bundle()
    assert list(step.finish_bundle()) == []
