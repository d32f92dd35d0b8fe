"""ColdStore, SendCoder and ShardSends: what goes in comes out again, whatever happens, and takes little room."""

import sys
from random import Random
from unittest.mock import patch
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import msgpack

from tests.histories import START, any_trace
from tests.pure_run import PureRun, small_journals
from tests.reference import expected
from tests.simulated import Plan, traffic
from tests.transforms.test_sends_view import found, take, told
from transforms.input.records import CONSUME, SEND, HeaderLink
from transforms.locate import send_coder
from transforms.locate.send_coder import SendCoder
from transforms.locate.send_facts import CorrelatedSends, Link, PlainSend, Position, Send
from transforms.locate.sends_view import SendsView
from transforms.state import cold_store
from transforms.state.cold_store import ColdRecord, ColdStore, SavedStore
from transforms.state.waits import Waits

HOUR = 3_600_000
quick = settings(max_examples=100, deadline=None, derandomize=True)


def any_record(number: int = 0, *, at: int = 0, marked: bool = False) -> ColdRecord:
    return ColdRecord(any_name(number), b"content %d" % number, START + at, marked)


def any_name(number: int) -> bytes:
    return b"\x00\x10" + UUID(uuid(number)).bytes


def uuid(number: int) -> str:
    return str(UUID(int=(number + 1) * 0x9E3779B97F4A7C15F39CC0605CEDC835 % 2**128))


texts = st.one_of(
    st.sampled_from(["a", "é", "x" * 300]),
    st.uuids().map(str),
    st.uuids().map(lambda uuid: str(uuid).upper()),
    st.uuids().map(lambda uuid: uuid.hex),
    st.text(st.characters(codec="utf-8"), min_size=1, max_size=40),
)
instants = st.integers(START - 10**10, START + 10**8)
dates = st.builds(lambda millis, rest: millis * 10**6 + rest, instants, st.integers(0, 10**6))
places = st.builds(Position, st.integers(-1, 2**31), st.integers(-1, 2**62))
extras = st.sampled_from([None, {"a": 1.5, "b": [None, True]}, {"big": "y" * 70_000}])
sends = st.builds(
    Send, texts, dates, st.integers(0, 9), texts, instants, extras, st.integers(1, 300), st.integers(0, 300),
    st.booleans(), st.none() | places,
)  # fmt: skip


@st.composite
def links(draw: st.DrawFn) -> Link:
    place, who = draw(places), draw(st.none() | texts)
    producer, reader = draw(st.sampled_from([(who, None), (None, who)]))
    return Link(place.partition, place.offset, draw(dates), producer, draw(instants), reader)


@st.composite
def plain_sends(draw: st.DrawFn) -> PlainSend:
    kinds = draw(st.sets(st.sampled_from(["sent", "seen", "acked"]), min_size=1))
    known = PlainSend(last=draw(instants))
    if kinds & {"seen", "acked"}:
        known.partition, known.offset = draw(st.integers(0, 2**31 - 1)), draw(st.integers(0, 2**62))
    if "sent" in kinds:
        known.id, known.nanos, known.digits = draw(texts), draw(dates), draw(st.integers(0, 9))
        known.client_id, known.timestamp, known.extra = draw(texts), draw(instants), draw(extras)
        known.written = known.offset >= 0
    if "seen" in kinds:
        known.seen_nanos, known.seen_timestamp, known.reader = draw(dates), draw(instants), draw(st.none() | texts)
    if "acked" in kinds:
        known.acked_nanos, known.acked_timestamp, known.acked_by = draw(dates), draw(instants), draw(texts)
    return known


objects = st.builds(CorrelatedSends, st.lists(sends, max_size=3), st.lists(links(), max_size=3), st.just([]), instants)


@quick
@given(texts, texts, st.one_of(plain_sends(), objects), st.sampled_from([0, 1, 4096]))
def test_what_is_kept_comes_back_as_it_was(topic, correlation, known, room):
    with patch.object(send_coder, "MAX_TEXTS", room):
        coder = SendCoder()
        encoded = coder.name((topic, correlation)) + coder.entry(known)
        for reader in (coder, SendCoder(coder.table.texts)):
            assert reader.decode(encoded) == ((topic, correlation), known)
        assert encoded.startswith(coder.name((topic, correlation)))


numbers = st.integers(0, 60)
steps = st.one_of(
    st.tuples(st.just("add"), st.dictionaries(numbers, st.tuples(st.integers(0, 9), st.booleans()), max_size=12)),
    st.tuples(st.just("pop"), st.lists(numbers, max_size=6)),
    st.tuples(st.just("expire"), st.integers(0, 10)),
    st.tuples(st.just("restore"), st.none()),
    st.tuples(st.just("drop"), st.none()),
)


@settings(quick, max_examples=250)
@given(st.lists(steps, max_size=40), st.booleans(), st.booleans())
def test_whatever_is_done_it_holds_what_a_dict_would_hold(todo, collide, crowded):
    crc = cold_store._hash_of
    collisions = patch.object(cold_store, "_hash_of", lambda name: 7 if collide else crc(name))
    with collisions, patch.object(cold_store, "MAX_CHUNKS", 3 if crowded else 99):
        store, model = ColdStore(HOUR), {}
        for step, what in todo:
            if step == "add":
                new = {
                    number: any_record(number, at=hours * HOUR, marked=marked)
                    for number, (hours, marked) in what.items()
                    if number not in model
                }
                store.add(new.values())
                model |= new
            elif step == "pop":
                for number in what:
                    record = model.pop(number, None)
                    assert store.pop(any_name(number)) == (record and record.name + record.content)
            elif step == "expire":
                before = START + what * HOUR
                given_back = set(store.expire(before))
                gone = set(model) - rest(store, model)
                assert all(model[number].last <= before for number in gone)
                assert crowded or all(
                    record.last > before - HOUR for number, record in model.items() if number not in gone
                )
                assert {
                    model[number].name + model[number].content for number in gone if model[number].marked
                } == given_back
                model = {number: record for number, record in model.items() if number not in gone}
            elif step == "drop" and model:
                left = rest(store, model)
                dropped = set(store.drop_oldest())
                gone = left - rest(store, model)
                assert {model[number].name + model[number].content for number in gone} == dropped
                for number in gone:
                    del model[number]
            elif step == "restore":
                again = restored(store)
                assert (again.weight(), again.oldest(), again.snapshot()) == (
                    store.weight(), store.oldest(), store.snapshot(),
                )  # fmt: skip
                store = again
            assert len(store) == len(model)
            assert (store.weight() > 0) == bool(model)
        for record in model.values():
            assert store.pop(record.name) == record.name + record.content
        assert (len(store), store.weight(), store.oldest()) == (0, 0, None)


def restored(store: ColdStore) -> ColdStore:
    again = ColdStore(HOUR)
    again.restore(msgpack.decode(msgpack.encode(store.snapshot()), type=SavedStore))
    return again


def rest(store: ColdStore, model: dict[int, ColdRecord]) -> set[int]:
    """The names that are still there."""
    copy = restored(store)
    return {number for number in model if copy.pop(any_name(number)) is not None}


def test_a_hundred_thousand_settled_sends_take_less_than_110_bytes_each_and_lie_in_few_arrays():
    store, coder = ColdStore(HOUR), SendCoder()
    for start in range(0, 100_000, 100):
        store.add(settled(coder, number) for number in range(start, start + 100))
    logs = sum(sys.getsizeof(chunk.log) + sys.getsizeof(chunk.marked) for chunk in store._chunks.values())
    taken = logs + sum(map(sys.getsizeof, store._index))
    assert taken / 100_000 < 110
    assert store.weight() == pytest.approx(taken, rel=0.1)
    assert len(store._index) <= 7
    assert len(store._chunks) == 17
    assert len(store.snapshot().index) == len(store._index)


def settled(coder: SendCoder, number: int) -> ColdRecord:
    """One SEND and the position where a consumer saw it."""
    moment = START + number * 600
    known = PlainSend(
        uuid(number), moment * 10**6 + 345, 6, "producer", moment, None, number % 4, number,
        (moment + 19) * 10**6 + 678, moment + 20, "consumer", last=moment + 20, written=True,
    )  # fmt: skip
    return ColdRecord(coder.name(("orders", uuid(10**6 + number))), coder.entry(known), known.last)


def test_numbers_of_forgotten_chunks_are_used_again_and_lead_to_nothing_of_others():
    store = ColdStore(HOUR)
    with patch.object(cold_store, "MAX_CHUNKS", 5):
        for hour in range(200):
            store.add([any_record(hour, at=hour * HOUR)])
            assert list(store.expire(START + (hour - 2) * HOUR)) == []
            assert store.pop(any_name(hour - 4 if hour >= 4 else 999)) is None
            assert max(store._chunks) < 15
    assert store.pop(any_name(199)) is not None


# In the view --------------------------------------------------------------------------------------------------------


def any_view() -> SendsView:
    return SendsView(b"0", Waits(), 100_000, 4)


def hot(view: SendsView) -> int:
    """How many correlationIds are not cold."""
    return len(view._sends.plain) + len(view._sends.objects)


SENT = any_trace(type=SEND, id="s", correlation_id="x")


def test_the_link_of_a_consumer_that_lags_by_hours_locates_a_cold_send():
    view = any_view()
    take(view, SENT)
    assert told(view.on_time(START + 300_000)) == [("s", None, 1)]
    view.on_time(START + HOUR)
    assert (len(view._sends.cold), hot(view)) == (1, 0)
    late = any_trace(type=CONSUME, id="c", correlation_id="x", offset=9, at=7 * HOUR)
    outputs = take(view, late)
    assert told(outputs) == [("s", 9, 2)]
    [(destination, key, _, located)] = outputs.facts
    assert (destination, key, located.offset, located.id) == ("join", b'["topic",0,2]', 9, "s")
    assert (len(view._sends.cold), hot(view)) == (0, 1)


def test_a_late_duplicate_of_a_cold_send_is_absorbed():
    view = any_view()
    take(view, SENT, HeaderLink("topic", 0, 9, "x", START + 5))
    view.on_time(START + HOUR)
    assert len(view._sends.cold) == 1
    outputs = take(view, SENT)
    assert (outputs.records, outputs.counts) == ([], {"duplicates": 1})


def test_a_cold_send_that_is_never_located_is_unlinked_when_retention_ends():
    view = any_view()
    take(view, SENT, any_trace(type=SEND, id="other", correlation_id="y"))
    view.on_time(START + HOUR)
    assert len(view._sends.cold) == 2
    assert found(view.on_time(START + 25 * HOUR)) == ["unlinked:s", "unlinked:other"]
    assert (view.size(), view.deadline()) == (0, None)


def test_all_that_becomes_quiet_in_a_minute_costs_one_look():
    view = any_view()
    for number in range(50):
        at = number * 1000
        sent = any_trace(type=SEND, id=f"s{number}", correlation_id=f"x{number}", at=at)
        take(view, sent, HeaderLink("topic", 0, number, f"x{number}", START + at))
    looks = 0
    while hot(view):
        looks += 1
        view.on_time(view.deadline())
    assert looks == 2
    assert len(view._sends.cold) == 50


def test_a_shard_that_is_too_full_gives_up_its_oldest_cold_sends_and_says_so():
    view = SendsView(b"0", Waits(), 30, 4)
    sends = [
        any_trace(type=SEND, id=f"s{number}", correlation_id=f"x{number}", at=number * HOUR // 6)
        for number in range(300)
    ]
    evicted, findings = 0, []
    for number, send in enumerate(sends):
        view.on_time(send.timestamp)
        outputs = take(view, send, HeaderLink("topic", 0, number, f"x{number}", send.timestamp))
        assert view.size() <= 30
        evicted += outputs.counts["evicted"]
        findings += found(outputs)
    kept = len(view._sends.cold) + hot(view)
    assert 2 * len(sends) == evicted + 2 * kept
    assert 60 < kept < 300
    assert [take(view, send).counts["duplicates"] for send in sends[:-9:-1]] == [1] * 8
    assert len(set(findings)) == len(findings) < 30
    assert {name.rsplit(":", 1)[0] for name in findings} == {"evicted:locate:0"}


def test_views_with_cold_sends_end_as_the_reference_says_and_they_do_come_back_from_the_cold():
    back = 0
    pop = ColdStore.pop

    def counted(self: ColdStore, name: bytes) -> bytes | None:
        nonlocal back
        record = pop(self, name)
        back += record is not None
        return record

    items = traffic(Plan(11, 150))
    random = Random(4)  # noqa: S311
    run = PureRun(random=random, restores=0.3)
    shuffled = random.sample(items, len(items))
    with small_journals(), patch.object(ColdStore, "pop", counted):
        for start in range(0, len(shuffled), 20):
            run.feed(shuffled[start : start + 20])
            run.deliver(some=True)
            run.pass_time(START + start * 1000, orderly=False)
        run.finish()
    assert expected(items, block_size=4).records == run.final_records()
    assert expected(items, block_size=4).findings == run.final_findings()
    assert back > 50
