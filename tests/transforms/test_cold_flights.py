"""ColdFlights and Flights: what goes in comes out again, whatever happens in between, and it takes little room."""

import sys
from random import Random
from unittest.mock import patch
from uuid import UUID

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.histories import START, any_trace, date_at
from tests.pure_run import PureRun, small_journals
from tests.reference import expected
from tests.simulated import Plan, traffic
from tests.transforms.test_sends_view import found, take, told
from transforms import cold_flights, flight_coder
from transforms.cold_flights import ColdFlights
from transforms.flight_coder import FlightCoder, Name
from transforms.records import CONSUME, SEND, HeaderLink
from transforms.send_pairing import Flight, Link, Position, Send
from transforms.sends_view import SendsView
from transforms.waits import Waits

HOUR = 3_600_000
quick = settings(max_examples=100, deadline=None, derandomize=True)


def any_flight(number: int = 0, *, at: int = 0, located: bool = True) -> Flight:
    """One SEND and the position where a consumer saw it."""
    flight, moment = Flight(), START + at
    send = Send(uuid(number), date_at(moment * 10**6 + 345), "producer", moment, None, 0)
    send.revision, send.version, send.written = 1, 1, Position(number % 4, number) if located else None
    flight.sends, flight.last = [send], moment + 20
    if located:
        flight.links = [Link(number % 4, number, (moment + 19) * 10**6 + 678, None, moment + 20)]
    return flight


def uuid(number: int) -> str:
    return str(UUID(int=(number + 1) * 0x9E3779B97F4A7C15F39CC0605CEDC835 % 2**128))


def facts_of(flight: Flight) -> tuple[object, ...]:
    """All that a flight says; a hold matters to no SEND that is written."""
    names = [name for name in Send.__slots__ if name != "deadline"]
    return flight.last, [[getattr(send, name) for name in names] for send in flight.sends], flight.links


texts = st.one_of(
    st.sampled_from(["", "a", "é", "x" * 300]),
    st.uuids().map(str),
    st.uuids().map(lambda uuid: str(uuid).upper()),
    st.uuids().map(lambda uuid: uuid.hex),
    st.text(st.characters(codec="utf-8"), max_size=40),
)
instants = st.integers(START - 10**10, START + 10**8)
places = st.builds(Position, st.integers(-1, 2**31), st.integers(-1, 2**62))


@st.composite
def flights(draw: st.DrawFn) -> Flight:
    flight = Flight()
    for identity in draw(st.lists(texts, max_size=3, unique=True)):
        date = date_at(draw(instants) * 10**6 + draw(st.integers(0, 10**6)), draw(st.integers(0, 9)))
        extra = draw(st.sampled_from([None, {}, {"a": 1.5, "b": [None, True]}, {"big": "y" * 70_000}]))
        send = Send(identity, date, draw(texts), draw(instants), extra, 0)
        send.revision, send.version, send.answered = (
            draw(st.integers(1, 300)),
            draw(st.integers(0, 300)),
            draw(st.booleans()),
        )
        send.written = draw(st.none() | places)
        flight.sends.append(send)
    for place in draw(st.lists(places, max_size=3)):
        nanos, who = draw(instants) * 10**6 + draw(st.integers(0, 10**6)), draw(st.none() | texts)
        client, reader = draw(st.sampled_from([(who, None), (None, who)]))
        flight.links.append(Link(*place, nanos, client, draw(instants), reader))
    flight.last = max((fact.timestamp for fact in (*flight.sends, *flight.links)), default=0)
    return flight


@quick
@given(texts, texts, flights(), st.sampled_from([0, 1, 4096]))
def test_a_flight_comes_back_as_it_was(topic, correlation, flight, room):
    with patch.object(flight_coder, "MAX_TEXTS", room):
        coder = FlightCoder()
        encoded = coder.name((topic, correlation)) + coder.flight(flight)
        for reader in (coder, FlightCoder(coder.texts)):
            name, again = reader.decode(encoded)
            assert (name, facts_of(again)) == ((topic, correlation), facts_of(flight))
        assert encoded.startswith(coder.name((topic, correlation)))


names = st.tuples(st.sampled_from(["a", "b"]), st.integers(0, 30).map(uuid))
steps = st.one_of(
    st.tuples(st.just("add"), st.dictionaries(names, st.tuples(st.integers(0, 9), st.booleans()), max_size=12)),
    st.tuples(st.just("pop"), st.lists(names, max_size=6)),
    st.tuples(st.just("expire"), st.integers(0, 10)),
    st.tuples(st.just("restore"), st.none()),
    st.tuples(st.just("drop"), st.none()),
)


@settings(quick, max_examples=250)
@given(st.lists(steps, max_size=40), st.booleans(), st.booleans())
def test_whatever_is_done_it_holds_what_a_dict_would_hold(todo, collide, crowded):
    collisions = patch.object(cold_flights, "_hash_of", lambda _: 7 if collide else crc(_))
    crc = cold_flights._hash_of
    with collisions, patch.object(cold_flights, "MAX_CHUNKS", 3 if crowded else 99):
        cold, model = ColdFlights(HOUR), {}
        for step, what in todo:
            if step == "add":
                new = {
                    name: any_flight(number, at=hours * HOUR, located=located)
                    for number, (name, (hours, located)) in enumerate(what.items())
                    if name not in model
                }
                cold.add(new.items())
                model |= new
            elif step == "pop":
                for name in what:
                    assert same(cold.pop(name), model.pop(name, None))
            elif step == "expire":
                before = START + what * HOUR
                given_back = dict(cold.expire(before))
                gone = set(model) - rest(cold, model)
                assert all(model[name].last <= before for name in gone)
                assert crowded or all(flight.last > before - HOUR for name, flight in model.items() if name not in gone)
                assert {name for name in gone if model[name].sends[0].written is None} == set(given_back)
                model = {name: flight for name, flight in model.items() if name not in gone}
            elif step == "drop" and model:
                for name, flight in cold.drop_oldest():
                    assert same(flight, model.pop(name))
            elif step == "restore":
                again = ColdFlights(HOUR)
                again.restore(*orjson.loads(orjson.dumps(cold.snapshot())))
                assert (again.weight(), again.oldest(), again.snapshot()) == (
                    cold.weight(), cold.oldest(), cold.snapshot(),
                )  # fmt: skip
                cold = again
            assert len(cold) == len(model)
            assert (cold.weight() > 0) == bool(model)
        for name, flight in model.items():
            assert same(cold.pop(name), flight)
        assert (len(cold), cold.weight(), cold.oldest()) == (0, 0, None)


def same(one: Flight | None, other: Flight | None) -> bool:
    return (one and facts_of(one)) == (other and facts_of(other))


def rest(cold: ColdFlights, model: dict[Name, Flight]) -> set[Name]:
    """The names that are still there."""
    copy = ColdFlights(HOUR)
    copy.restore(*orjson.loads(orjson.dumps(cold.snapshot())))
    return {name for name in model if copy.pop(name) is not None}


def test_a_hundred_thousand_settled_flights_take_less_than_110_bytes_each_and_lie_in_few_arrays():
    cold = ColdFlights(HOUR)
    for start in range(0, 100_000, 100):
        cold.add(
            (("orders", uuid(10**6 + number)), any_flight(number, at=number * 600))
            for number in range(start, start + 100)
        )
    logs = sum(sys.getsizeof(chunk.log) + sys.getsizeof(chunk.unlocated) for chunk in cold._chunks.values())
    taken = logs + sum(map(sys.getsizeof, cold._index))
    assert taken / 100_000 < 110
    assert cold.weight() == pytest.approx(taken, rel=0.1)
    assert len(cold._index) <= 7
    assert len(cold._chunks) == 17
    assert len(cold.snapshot()[-1]) == len(cold._index)


def test_numbers_of_forgotten_chunks_are_used_again_and_lead_to_no_flight_of_others():
    cold = ColdFlights(HOUR)
    with patch.object(cold_flights, "MAX_CHUNKS", 5):
        for hour in range(200):
            cold.add([(("topic", uuid(hour)), any_flight(hour, at=hour * HOUR))])
            assert list(cold.expire(START + (hour - 2) * HOUR)) == []
            assert cold.pop(("topic", uuid(hour - 4 if hour >= 4 else 999))) is None
            assert max(cold._chunks) < 15
    assert same(cold.pop(("topic", uuid(199))), any_flight(199, at=199 * HOUR))


# In the view --------------------------------------------------------------------------------------------------------


def any_view() -> SendsView:
    return SendsView(b"0", Waits(), 100_000, 4)


SENT = any_trace(type=SEND, id="s", correlation_id="x")


def test_the_link_of_a_consumer_that_lags_by_hours_locates_a_cold_send():
    view = any_view()
    take(view, SENT)
    assert told(view.apply([["X", START + 300_000]])) == [("s", None, 1)]
    view.apply([["X", START + HOUR]])
    assert (len(view._flights.cold), len(view._flights.hot)) == (1, 0)
    late = any_trace(type=CONSUME, id="c", correlation_id="x", offset=9, at=7 * HOUR)
    outputs = take(view, late)
    assert told(outputs) == [("s", 9, 2)]
    [(destination, key, _, event)] = outputs.events
    assert (destination, key, event[:3]) == ("join", b'["topic",0,2]', ("S", 9, "s"))
    assert (len(view._flights.cold), len(view._flights.hot)) == (0, 1)


def test_a_late_duplicate_of_a_cold_send_is_absorbed():
    view = any_view()
    take(view, SENT, HeaderLink("topic", 0, 9, "x", START + 5))
    view.apply([["X", START + HOUR]])
    assert len(view._flights.cold) == 1
    outputs = take(view, SENT)
    assert (outputs.records, outputs.counts) == ([], {"duplicates": 1})


def test_a_cold_send_that_is_never_located_is_unlinked_when_retention_ends():
    view = any_view()
    take(view, SENT, any_trace(type=SEND, id="other", correlation_id="y"))
    view.apply([["X", START + HOUR]])
    assert len(view._flights.cold) == 2
    assert found(view.apply([["X", START + 25 * HOUR]])) == ["unlinked:s", "unlinked:other"]
    assert (view.facts(), view.deadline()) == (0, None)


def test_all_that_becomes_quiet_in_a_minute_costs_one_look():
    view = any_view()
    for number in range(50):
        at = number * 1000
        sent = any_trace(type=SEND, id=f"s{number}", correlation_id=f"x{number}", at=at)
        take(view, sent, HeaderLink("topic", 0, number, f"x{number}", START + at))
    looks = 0
    while view._flights.hot:
        looks += 1
        view.apply([["X", view.deadline()]])
    assert looks == 2
    assert len(view._flights.cold) == 50


def test_a_shard_that_is_too_full_gives_up_its_oldest_cold_flights_and_says_so():
    view = SendsView(b"0", Waits(), 30, 4)
    sends = [
        any_trace(type=SEND, id=f"s{number}", correlation_id=f"x{number}", at=number * HOUR // 6)
        for number in range(140)
    ]
    evicted, findings = 0, []
    for number, send in enumerate(sends):
        view.apply([["X", send.timestamp]])
        outputs = take(view, send, HeaderLink("topic", 0, number, f"x{number}", send.timestamp))
        assert view.facts() <= 30
        evicted += outputs.counts["evicted"]
        findings += found(outputs)
    kept = len(view._flights.cold) + len(view._flights.hot)
    assert 2 * len(sends) == evicted + 2 * kept
    assert 60 < kept < 140
    assert [take(view, send).counts["duplicates"] for send in sends[:-9:-1]] == [1] * 8
    assert len(set(findings)) == len(findings) < 30
    assert {name.rsplit(":", 1)[0] for name in findings} == {"evicted:locate:0"}


def test_views_with_cold_flights_end_as_the_reference_says_and_flights_do_come_back_from_the_cold():
    back = 0
    pop = ColdFlights.pop

    def counted(self: ColdFlights, name: Name) -> Flight | None:
        nonlocal back
        flight = pop(self, name)
        back += flight is not None
        return flight

    items = traffic(Plan(11, 150))
    random = Random(4)  # noqa: S311
    run = PureRun(random=random, restores=0.3)
    shuffled = random.sample(items, len(items))
    with small_journals(), patch.object(ColdFlights, "pop", counted):
        for start in range(0, len(shuffled), 20):
            run.feed(shuffled[start : start + 20])
            run.deliver(some=True)
            run.pass_time(START + start * 1000, orderly=False)
        run.finish()
    assert expected(items, block_size=4).records == run.final_records()
    assert expected(items, block_size=4).findings == run.final_findings()
    assert back > 50
