"""Histories: raw traces, made one by one.

`soups` are for Hypothesis: a few facts drawn from tiny domains, so every odd coincidence, and they shrink well.
tests/simulated.py has those of a simulated cluster.
"""

from datetime import UTC, datetime
from typing import Any, TypeVar, get_args

from hypothesis import strategies as st
from msgspec import structs

from transforms.input.dates import nanos_of
from transforms.input.records import ACK, COMMIT, CONSUME, SEND, HeaderLink
from transforms.input.traces import Commit, Consume, Send, Trace

#: 2026-01-01T00:00:00Z
START = 1_767_225_600_000
Item = Trace | HeaderLink
T = TypeVar("T", bound=Item)
_CLASSES = {one.type: one for one in get_args(Trace)}


def date_at(nanos: int, digits: int = 9) -> str:
    """ISO-8601 of an instant in ns, cut to 0, 3, 6 or 9 fraction digits."""
    seconds, fraction = divmod(nanos, 10**9)
    text = datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S")
    return f"{text}.{fraction:09d}"[: len(text) + (1 + digits if digits else 0)] + "Z"


def any_trace(**overrides: Any) -> Trace:
    """A valid trace; give what matters to the test. `at` (ms after START) sets date and timestamp."""
    at = overrides.pop("at", 0)
    kind = overrides.pop("type", CONSUME)
    fields: dict[str, Any] = {
        "id": "id-1",
        "date": date_at((START + at) * 10**6, 3),
        "client_id": "client",
        "topic": "topic",
        "partition": -1 if kind == SEND else 0,
        "offset": -1 if kind == SEND else 0,
        "group_id": "group" if kind in {CONSUME, COMMIT} else None,
        "correlation_id": "correlation" if kind in {SEND, CONSUME} else None,
        "timestamp": START + at,
        "extra": None,
    }
    fields |= overrides
    unknown = {"partition": -1, "offset": -1, "group_id": None}
    for name in unknown.keys() - set(_CLASSES[kind].__struct_fields__):
        assert fields.pop(name) == unknown[name]
    return _CLASSES[kind](nanos=nanos_of(fields["date"]), **fields)


def changed(item: T, **fields: Any) -> T:
    """The item with other fields."""
    return item._replace(**fields) if isinstance(item, HeaderLink) else structs.replace(item, **fields)


def value_of(trace: Trace) -> dict[str, Any]:
    """The JSON value of a raw trace, as an interceptor writes it."""
    value: dict[str, Any] = dict(trace.extra or {})
    value |= {"id": trace.id, "topic": trace.topic, "date": trace.date, "type": trace.type, "clientId": trace.client_id}
    if not isinstance(trace, Send):
        value |= {"partition": trace.partition, "offset": trace.offset}
    if trace.correlation_id is not None:
        value["correlationId"] = trace.correlation_id
    if isinstance(trace, Consume | Commit):
        value["groupId"] = trace.group_id
    return value


# A few facts --------------------------------------------------------------------------------------------------------

_DIGITS = st.sampled_from([0, 3, 9])
_TOPICS = st.sampled_from(["a", "b"])
_NAMES = st.sampled_from(["x", "y"])


@st.composite
def _fact(draw: st.DrawFn, stamp: int) -> Item:
    kind = draw(st.sampled_from([CONSUME, COMMIT, SEND, ACK, "HEADER"]))
    moment = draw(st.integers(0, 8))
    place = draw(st.integers(0, 7))
    topic = draw(st.sampled_from(["a"] * 4 + ["b"]))
    if kind == "HEADER":
        return HeaderLink(topic, 0, place, draw(_NAMES | st.none()), START + moment * 500)
    offset = {
        SEND: -1,
        ACK: draw(st.sampled_from([place, place, place, -1])),
        CONSUME: place,
        COMMIT: place - draw(st.sampled_from([0, 0, 0, 8])),
    }[kind]
    failed = [{"error": "TimeoutException"}] if kind == ACK and draw(st.sampled_from([True, False, False])) else []
    groups = {CONSUME: ["g", "g", "g", "h", ""], COMMIT: ["g", "g", "h"]}.get(kind, [])
    correlated = kind in {SEND, CONSUME} or (kind == ACK and draw(st.booleans()))
    return any_trace(
        type=kind,
        id="",
        date=date_at((START + moment * 500) * 10**6 + draw(st.sampled_from([0, 0, 1])), draw(_DIGITS)),
        timestamp=START + moment * 500 + draw(st.integers(0, 1500)),
        topic=topic,
        offset=max(offset, -1),
        partition=draw(st.sampled_from([-1, 0, 0])) if kind == ACK and offset == -1 else -1 if kind == SEND else 0,
        client_id=draw(st.sampled_from(["c1", "c2"])),
        group_id=draw(st.sampled_from(groups)) if groups else None,
        correlation_id=draw(_NAMES) if correlated else None,
        extra=draw(st.sampled_from([None, None, {"recordTimestamp": stamp}, *failed])),
    )


@st.composite
def soups(draw: st.DrawFn, max_size: int = 14, stamp: int = 7) -> list[Item]:
    """Some facts, in no order that means anything; some of them twice. `stamp` is a `recordTimestamp`."""
    facts = draw(st.lists(_fact(stamp), min_size=1, max_size=max_size))
    named = [
        fact if isinstance(fact, HeaderLink) else changed(fact, id=f"{fact.type[:2].lower()}{number}")
        for number, fact in enumerate(facts)
    ]
    again = draw(st.lists(st.sampled_from(named), max_size=2))
    later = [changed(fact, timestamp=fact.timestamp + draw(st.sampled_from([0, 700]))) if isinstance(fact, Trace)
             else fact for fact in again]  # fmt: skip
    return named + later
