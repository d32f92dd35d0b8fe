"""Pairing: the SENDs and the positions of one correlationId in one topic."""

from typing import Any, NamedTuple

from transforms.dates import nanos_of
from transforms.findings import Found
from transforms.records import UNKNOWN


class Position(NamedTuple):
    """Where a message lies in its topic."""

    partition: int
    offset: int


#: The position of a SEND whose ACK says that it failed.
FAILED = Position(UNKNOWN, UNKNOWN)


class Link(NamedTuple):
    """This correlationId was seen at this position. `client_id` is the acknowledging producer's, None for others.

    `nanos` is the date, `timestamp` (ms) that of its record. A failed ACK is a link to FAILED.
    """

    partition: int
    offset: int
    nanos: int
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
    """All SENDs and links of one correlationId in one topic: nearly always one SEND and one position.

    From ACKs come all different links, from consumers and headers per position the earliest. `last` is the timestamp
    (ms) of the newest fact, `found` are open findings by id.
    """

    __slots__ = ("found", "last", "links", "sends")

    def __init__(self) -> None:
        self.found: dict[str, Found] = {}
        self.sends: list[Send] = []
        self.links: list[Link] = []
        self.last = 0

    def has(self, identity: str) -> bool:
        """Whether the SEND of this id is known."""
        return any(send.id == identity for send in self.sends)

    def add(self, link: Link) -> int:
        """Take in a link; how many facts that adds."""
        for place, known in enumerate(self.links):
            if known == link:
                return 0
            if link.client_id is None is known.client_id and known.offset == link.offset and known[:2] == link[:2]:
                if (link.nanos, link.timestamp) < (known.nanos, known.timestamp):
                    self.links[place] = link
                return 0
        self.links.append(link)
        return 1

    def facts(self) -> int:
        """How many facts this holds."""
        return len(self.sends) + len(self.links)


def pair(flight: Flight) -> dict[str, Position]:
    """The position of each SEND that has one, by SEND id."""
    if len(flight.sends) == len(flight.links) == 1 and flight.links[0].client_id is None:
        return {flight.sends[0].id: Position(*flight.links[0][:2])}
    waiting = sorted(flight.sends, key=lambda send: (send.nanos, send.id))
    placed: dict[str, Position] = {}
    acked = [link for link in flight.links if link.client_id is not None]
    dates = {Position(*link[:2]): link.nanos for link in flight.links if link.client_id is None}
    for ack in sorted(acked, key=lambda link: (link.nanos, link.partition, link.offset, link.client_id)):
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
