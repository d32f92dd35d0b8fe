"""Pairing: the SENDs and the positions of one correlationId in one topic."""

from typing import Any, NamedTuple

from transforms.dates import nanos_of
from transforms.findings import Found
from transforms.records import UNKNOWN


class Position(NamedTuple):
    """Where a message lies in its topic."""

    partition: int
    offset: int


class Link(NamedTuple):
    """This correlationId was seen at this position; an ACK may know no offset, which is -1 then.

    `nanos` is the date, `timestamp` (ms) that of its record. `client_id` is the acknowledging producer's, `reader` that
    of the consumer; both None: a header.
    """

    partition: int
    offset: int
    nanos: int
    client_id: str | None
    timestamp: int
    reader: str | None = None


class Failure(NamedTuple):
    """An ACK that names this correlationId and says that its send failed."""

    id: str
    date: str
    client_id: str
    timestamp: int
    error: str | None
    nanos: int


class Send:
    """A raw SEND: how often and where it was written, and how often blocks were told (`version`).

    `answered` says that the blocks were told of an ACK without an offset.
    """

    __slots__ = (
        "answered", "client_id", "date", "deadline", "extra", "id", "nanos", "revision", "timestamp", "version",
        "written",
    )  # fmt: skip

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
        self.answered = False


class Flight:
    """All SENDs, links and failures of one correlationId in one topic: nearly always one SEND and one position.

    From ACKs come all different links, from consumers and headers per position the earliest. `last` is the timestamp
    (ms) of the newest fact, `found` are open findings by id.
    """

    __slots__ = ("failures", "found", "last", "links", "sends")

    def __init__(self) -> None:
        self.found: dict[str, Found] = {}
        self.sends: list[Send] = []
        self.links: list[Link] = []
        self.failures: list[Failure] = []
        self.last = 0

    def send(self, identity: str) -> Send | None:
        """The SEND of this id, if it is known."""
        return next((send for send in self.sends if send.id == identity), None)

    def add(self, link: Link) -> int:
        """Take in a link; how many facts that adds."""
        for place, known in enumerate(self.links):
            if link.client_id is None is known.client_id and known[:2] == link[:2]:
                if _seen(link) < _seen(known):
                    self.links[place] = link
                return 0
            if known[:4] == link[:4]:
                if link.timestamp < known.timestamp:
                    self.links[place] = link
                return 0
        self.links.append(link)
        return 1

    def fail(self, failure: Failure) -> int:
        """Take in a failure; how many facts that adds."""
        if any(known.id == failure.id for known in self.failures):
            return 0
        self.failures.append(failure)
        return 1

    def facts(self) -> int:
        """How many facts this holds."""
        return len(self.sends) + len(self.links) + len(self.failures)


class Pairing(NamedTuple):
    """By the id of a SEND its position, if it has one, and the id of the failure that is about it.

    The id is empty where an ACK without an offset says nothing of a failure.
    """

    placed: dict[str, Position]
    answered: dict[str, str]


def pair(flight: Flight) -> Pairing:
    """Which SEND lies where, and which was answered without an offset.

    First the ACKs in order of date, each with the earliest SEND of its client at or before it. One without an offset
    answers its SEND and does not place it: the message may be in the log all the same. Then the SENDs without a place
    with the positions that are left, both in order of date; positions that were seen before the SEND was sent are left
    out if there are enough others, and always if the SEND's own client read there.
    """
    placed: dict[str, Position] = {}
    answered: dict[str, str] = {}
    links = flight.links
    if len(flight.sends) == len(links) == 1 and links[0].client_id is None and not flight.failures:
        _place([flight.sends[0]], [links[0]], placed)
        return Pairing(placed, answered)
    waiting = sorted(flight.sends, key=lambda send: (send.nanos, send.id))
    answers: list[Send] = []
    first: dict[Position, Link] = {}
    for link in links:
        position = Position(link.partition, link.offset)
        if link.offset != UNKNOWN and (position not in first or _seen(link) < _seen(first[position])):
            first[position] = link
    acked = (link for link in links if link.client_id is not None)
    acks = [(link.nanos, link.partition, link.offset, link.client_id, "") for link in acked]
    acks += [(failed.nanos, UNKNOWN, UNKNOWN, failed.client_id, failed.id) for failed in flight.failures]
    for nanos, partition, offset, client, identity in sorted(acks):
        position = Position(partition, offset)
        if offset != UNKNOWN and position not in first:
            continue  # another ACK of this position has its SEND
        send = next((one for one in waiting if one.client_id == client and one.nanos <= nanos), None)
        if send is None:
            continue
        waiting.remove(send)
        if offset == UNKNOWN:
            answered[send.id] = identity
            answers.append(send)
        else:
            placed[send.id] = position
            del first[position]
    left = sorted(first.values(), key=lambda link: (link.nanos, link.partition, link.offset))
    _place(sorted([*waiting, *answers], key=lambda send: (send.nanos, send.id)), left, placed)
    return Pairing(placed, answered)


def _place(sends: list[Send], links: list[Link], placed: dict[str, Position]) -> None:
    """Pair these SENDs and positions, both in order of date."""
    spare, left = len(links) - len(sends), iter(links)
    for send in sends:
        for link in left:
            is_before = link.nanos < send.nanos
            if is_before and (spare > 0 or link.reader == send.client_id):
                spare -= 1
                continue
            placed[send.id] = Position(link.partition, link.offset)
            break


def _seen(link: Link) -> tuple[int, str, int]:
    return link.nanos, link.reader or "", link.timestamp
