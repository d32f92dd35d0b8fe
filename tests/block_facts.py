"""Facts of one block, made for tests, and a view that takes them as they arrive. Times are ms after START."""

from collections.abc import Iterable
from typing import Any, NamedTuple

import numpy as np
from hypothesis import strategies as st

from tests.histories import START, any_trace
from transforms.input.records import ACK, CONSUME, HEADER_READER
from transforms.state.facts import Acks, CommitUpTo, GroupExpectation, HeaderLinks, LocatedSend, ProducerAnswered, Reads
from transforms.state.packs import pack_of
from transforms.state.view import Outputs, View

#: Fraction digits of all dates here.
DIGITS = 3


class Time(NamedTuple):
    """Event time reaches this (ms)."""

    now: int


def time(at: int) -> Time:
    return Time(START + at)


def send(identity: str = "s", offset: int = 0, at: int = 0, **told: Any) -> LocatedSend:
    fields = {
        "correlation_id": f"of-{identity}", "nanos": nanos(at), "digits": DIGITS, "client_id": "p",
        "timestamp": START + at, "version": 1, "live": True, "answered": False,
    }  # fmt: skip
    return LocatedSend(offset, identity, **fields | told)


def ack(identity: str = "a", offset: int = 0, at: int = 10, correlation: str | None = None, **told: Any) -> Acks:
    told = {"client_id": "p", "correlation_id": correlation} | told
    return Acks.of([any_trace(type=ACK, id=identity, offset=offset, at=at, **told)], bytes([DIGITS]))


def read(identity: str = "c", offset: int = 0, at: int = 20, group: str = "g", **told: Any) -> Reads:
    told = {"client_id": "c", "correlation_id": f"of-{identity}"} | told
    trace = any_trace(type=CONSUME, id=identity, offset=offset, at=at, group_id=group, **told)
    return Reads.of([trace], bytes([DIGITS]), group_id=group)


def commit(identity: str = "k", offset: int = 0, at: int = 30, **told: Any) -> CommitUpTo:
    fields = {
        "nanos": nanos(at), "digits": DIGITS, "client_id": "c", "timestamp": START + at, "group_id": "g",
        "extra": None, "repeated": False, "is_home": True, "version": 1,
    }  # fmt: skip
    return CommitUpTo(offset, identity, **fields | told)


def link(correlation_id: str | None, offset: int = 0, at: int = 0) -> HeaderLinks:
    offsets, timestamps = (np.array([number], np.int64).tobytes() for number in (offset, START + at))
    return HeaderLinks(offsets, timestamps, [correlation_id])


def nanos(at: int) -> int:
    return (START + at) * 10**6


def apply(view: View, steps: Iterable[Any]) -> Outputs:
    """What the view makes of these steps: facts up to the next time are one pack."""
    outputs, facts = Outputs(), []
    for step in steps:
        if isinstance(step, Time):
            _take(view, facts, outputs)
            facts = []
            _add(view.on_time(step.now), outputs)
        else:
            facts.append(step)
    _take(view, facts, outputs)
    return outputs


def _take(view: View, facts: list[Any], outputs: Outputs) -> None:
    if facts:
        _add(view.on_facts(view.decode(pack_of(facts))), outputs)


def _add(some: Outputs, outputs: Outputs) -> None:
    for name in ("records", "findings", "facts"):
        getattr(outputs, name).extend(getattr(some, name))
    outputs.counts += some.counts


_OFFSETS, _MOMENTS, _GROUPS = st.integers(0, 5), st.integers(0, 8), st.sampled_from(["g", "h", ""])
_CLIENTS, _NAMES = st.sampled_from(["p", "q"]), st.sampled_from(["x", "y", None])


@st.composite
def block_facts(draw: st.DrawFn, max_size: int = 14, suffix: str = "") -> list[Any]:
    """Facts of one block, in no order that means anything. Of each id, which ends so, there is one."""
    kinds = ["send", "send", "ack", "ack", "read", "read", "read", "commit", "link", "group", "producer"]
    facts = []
    for number, kind in enumerate(draw(st.lists(st.sampled_from(kinds), max_size=max_size))):
        offset, at = draw(_OFFSETS), draw(_MOMENTS) * 700
        told = {"client_id": draw(_CLIENTS), "timestamp": START + at + draw(st.integers(0, 3)) * 7_000}
        if kind == "send":
            name = draw(st.sampled_from(["x", "y"]))
            facts.append(send(f"s{number}{suffix}", offset, at, correlation_id=name, **told))
        elif kind == "ack":
            facts.append(ack(f"a{number}{suffix}", offset, at, draw(_NAMES), **told))
        elif kind == "read":
            group, name = draw(_GROUPS), draw(st.sampled_from(["x", "y"]))
            facts.append(read(f"c{number}{suffix}", offset, at, group, correlation_id=name, **told))
        elif kind == "commit":
            facts.append(commit(f"k{number}{suffix}", offset, at, group_id=draw(st.sampled_from(["g", "h"])), **told))
        elif kind == "link":
            facts.append(link(draw(_NAMES), offset, at))
        elif kind == "group":
            group = draw(st.sampled_from(["g", "h", HEADER_READER]))
            passed, commits = (draw(st.none() | st.just(START + at)) for _ in range(2))
            until = START + draw(st.sampled_from([0, 3_000, 10**8]))
            facts.append(GroupExpectation(group, draw(_OFFSETS), until, passed, commits))
        else:
            facts.append(ProducerAnswered(told["client_id"], START + at, draw(st.booleans())))
    return facts
