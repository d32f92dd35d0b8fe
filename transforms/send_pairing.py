"""Pairing: the SENDs and the positions of one correlationId in one topic."""

from collections.abc import Iterator
from typing import Any, NamedTuple

from transforms.dates import nanos_of
from transforms.records import UNKNOWN


class Position(NamedTuple):
    """Where a message lies in its topic."""

    partition: int
    offset: int


#: The position of a SEND whose ACK says that it failed.
FAILED = Position(UNKNOWN, UNKNOWN)


class Link(NamedTuple):
    """This correlationId was seen at this position. `client_id` is the acknowledging producer's, None for others.

    A failed ACK is a link to FAILED.
    """

    partition: int
    offset: int
    nanos: int
    date: str
    client_id: str | None
    timestamp: int


class Send:
    """A raw SEND: how often and where it was written, and how often blocks were told (`version`)."""

    __slots__ = ("client_id", "date", "deadline", "extra", "id", "nanos", "revision", "timestamp", "version", "written")

    def __init__(
        self, identity: str, date: str, client_id: str, timestamp: int, extra: dict[str, Any] | None, deadline: int
    ) -> None:
        self.id = identity
        self.date = date
        self.client_id = client_id
        self.timestamp = timestamp
        self.extra = extra
        self.deadline = deadline
        self.nanos = nanos_of(date)
        self.revision = 0
        self.version = 0
        self.written: Position | None = None


class Flight:
    """All SENDs and links of one correlationId in one topic: nearly always one SEND and one position."""

    __slots__ = ("acked", "last", "seen", "sends")

    def __init__(self) -> None:
        self.sends: dict[str, Send] = {}
        #: From consumers and headers: per position the earliest link.
        self.seen: dict[Position, Link] = {}
        #: From ACKs.
        self.acked: list[Link] = []
        self.last = 0

    def add(self, link: Link) -> int:
        """Take in a link; how many facts that adds."""
        if link.client_id is not None:
            if link in self.acked:
                return 0
            self.acked.append(link)
            return 1
        position = Position(link.partition, link.offset)
        known = self.seen.get(position)
        if known is None or (link.nanos, link.timestamp) < (known.nanos, known.timestamp):
            self.seen[position] = link
        return known is None

    def links(self) -> Iterator[Link]:
        """All links."""
        yield from self.acked
        yield from self.seen.values()

    def facts(self) -> int:
        """How many facts this holds."""
        return len(self.sends) + len(self.acked) + len(self.seen)


def pair(flight: Flight) -> dict[str, Position]:
    """The position of each SEND that has one, by SEND id."""
    if len(flight.sends) == 1 and not flight.acked and len(flight.seen) == 1:
        return dict.fromkeys(flight.sends, next(iter(flight.seen)))
    waiting = sorted(flight.sends.values(), key=lambda send: (send.nanos, send.id))
    placed: dict[str, Position] = {}
    free = dict(flight.seen)
    dates = {position: link.nanos for position, link in free.items()}
    for ack in sorted(flight.acked, key=lambda link: (link.nanos, link.partition, link.offset, link.client_id)):
        position = Position(ack.partition, ack.offset)
        dates[position] = min(ack.nanos, dates.get(position, ack.nanos))
        if position in placed.values() and position != FAILED:
            continue
        send = next((one for one in waiting if one.client_id == ack.client_id and one.nanos <= ack.nanos), None)
        if send is not None:
            placed[send.id] = position
            waiting.remove(send)
            dates.pop(position)
    left = sorted((p for p in dates if p != FAILED and p not in placed.values()), key=lambda p: (dates[p], *p))
    placed |= {send.id: position for send, position in zip(waiting, left, strict=False)}
    return placed
