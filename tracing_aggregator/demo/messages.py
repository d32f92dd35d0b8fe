"""Messages that are complete, one line each, whichever topics they went through. Pure."""

from collections import OrderedDict
from typing import NamedTuple

from tracing_aggregator.explain.gather import Value
from tracing_aggregator.explain.subject import Place, place_of
from tracing_aggregator.explain.words import elapsed
from transforms.input.dates import nanos_of
from transforms.input.records import ACK, COMMIT, CONSUME, SEND

#: Messages that are not complete yet, and those that are: beyond these numbers the oldest are forgotten.
MOST_OPEN, MOST_DONE = 5_000, 20_000
_TIME = slice(len("2026-01-31T"), len("2026-01-31T12:00:00"))


class _Message(NamedTuple):
    """A message in one topic: its SEND, by group the first read, groups that have committed it, and its last date."""

    send: Value | None = None
    is_acked: bool = False
    reads: dict[str, Value] = {}  # noqa: RUF012  never written to
    committed: frozenset[str] = frozenset()
    last: str = ""


class Messages:
    """Follows messages until their brokers, and every group that reads their topics, are done with them."""

    def __init__(self) -> None:
        self._open: OrderedDict[Place, _Message] = OrderedDict()
        self._done: OrderedDict[Place, None] = OrderedDict()
        #: By correlationId the messages that are complete, while another one of it is not.
        self._waiting: OrderedDict[str, list[_Message]] = OrderedDict()
        self._groups: dict[str, set[str]] = {}

    def take(self, trace: Value) -> str | None:
        """Take in an aggregated trace; gives the line of its message if that is complete now, in all its topics."""
        place = place_of(trace)
        if place is None or place in self._done or trace.get("withdrawn"):
            return None
        if trace["type"] == CONSUME:
            self._groups.setdefault(trace["topic"], set()).add(trace["groupId"])
        message = self._open[place] = _with(self._open.get(place, _Message()), trace)
        _forget(self._open, MOST_OPEN)
        groups = self._groups.get(place.topic, set())
        # A commit alone says nothing of the latency: its read may have come out before this began.
        done = message.committed & message.reads.keys()
        if message.send is None or not (message.is_acked and groups and groups <= done):
            return None
        del self._open[place]
        self._done[place] = None
        _forget(self._done, MOST_DONE)
        return self._line(message, message.send)

    def _line(self, message: _Message, send: Value) -> str | None:
        name = send.get("correlationId", "-")
        complete = [*self._waiting.pop(name, ()), message]
        if any(name in _names(other) for other in self._open.values()):
            self._waiting[name] = complete
            _forget(self._waiting, MOST_OPEN)
            return None
        complete.sort(key=lambda one: nanos_of(one.send["date"]) if one.send else 0)
        # Of a message that was written twice to a topic the first one tells enough.
        hops = {one.send["topic"]: _hop(one) for one in reversed(complete) if one.send}
        last = max((one.last for one in complete), key=nanos_of)
        first = complete[0].send or send
        return f"{last[_TIME]} {name[:8]} {first['clientId']} → {' → '.join(reversed(hops.values()))}"


def _with(message: _Message, trace: Value) -> _Message:
    kind, group = trace["type"], trace.get("groupId", "")
    if not message.last or nanos_of(trace["date"]) > nanos_of(message.last):
        message = message._replace(last=trace["date"])
    if kind == SEND:
        return message._replace(send=trace)
    if kind == ACK:
        return message._replace(is_acked=True)
    if kind == CONSUME:
        return message._replace(reads={group: trace, **message.reads})
    if kind == COMMIT:
        return message._replace(committed=message.committed | {group})
    return message


def _names(message: _Message) -> set[str]:
    """The correlationIds that it is known by."""
    return {one["correlationId"] for one in (message.send, *message.reads.values()) if one and "correlationId" in one}


def _hop(message: _Message) -> str:
    """Who read it, and how long after it was sent."""
    sent = nanos_of(message.send["date"]) if message.send else 0
    return " ".join(
        f"{group} {elapsed(nanos_of(read['date']) - sent).replace(' ', '')}"
        for group, read in sorted(message.reads.items())
    )


def _forget(known: OrderedDict, most: int) -> None:  # type: ignore[type-arg]
    while len(known) > most:
        known.popitem(last=False)
