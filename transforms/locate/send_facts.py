"""What shards are told of SENDs and positions, and what they keep of a correlationId that is not plain."""

from collections.abc import Sequence
from typing import Any

from msgspec import Struct

from transforms.findings.findings import Found
from transforms.input.dates import date_of_nanos
from transforms.input.traces import Send as RawSend
from transforms.state.facts import RawColumns, numbered

#: Who saw a correlationId at a position: the reader of headers, a consumer, a producer that was acknowledged.
IN_HEADER, BY_READER, BY_PRODUCER = 0, 1, 2

#: Topic and correlationId.
Name = tuple[str, str]


class SentColumns(RawColumns, tag="sent", kw_only=True):
    """Raw SENDs, an item for each; `topic_of` numbers the `topics`."""

    topics: list[str]
    topic_of: list[int]
    correlation_ids: list[str]

    @classmethod
    def of(cls, sends: Sequence[RawSend]) -> "SentColumns":
        """The columns of these SENDs."""
        topic_of, topics = numbered(send.topic for send in sends)
        names = [send.correlation_id for send in sends]
        return cls.of_traces(sends, topics=topics, topic_of=topic_of, correlation_ids=names)


class Seen(Struct, array_like=True, gc=False):
    """A correlationId was seen at this position, by whom the `role` says; an ACK may know no offset, which is -1 then.

    `nanos` is the date, `timestamp` (ms) that of its record; `client_id` is the acknowledged producer or the consumer,
    None for a header.
    """

    topic: str
    correlation_id: str
    partition: int
    offset: int
    nanos: int
    timestamp: int
    client_id: str | None
    role: int


class SeenColumns(Struct, tag="seen", array_like=True, gc=False):
    """Sightings, an item for each, as in SentColumns; the client of a header is empty."""

    topics: list[str]
    topic_of: list[int]
    correlation_ids: list[str]
    partitions: list[int]
    offsets: list[int]
    nanos: list[int]
    timestamps: list[int]
    clients: list[int]
    client_ids: list[str]
    roles: bytes

    @classmethod
    def of(cls, seen: Sequence[Seen]) -> "SeenColumns":
        """The columns of these."""
        topic_of, topics = numbered(each.topic for each in seen)
        clients, client_ids = numbered(each.client_id or "" for each in seen)
        return cls(
            topics=topics,
            topic_of=topic_of,
            correlation_ids=[each.correlation_id for each in seen],
            partitions=[each.partition for each in seen],
            offsets=[each.offset for each in seen],
            nanos=[each.nanos for each in seen],
            timestamps=[each.timestamp for each in seen],
            clients=clients,
            client_ids=client_ids,
            roles=bytes([each.role for each in seen]),
        )


class SendFailed(Struct, tag="failed", array_like=True, gc=False):
    """An ACK that names its correlationId and says that its send failed; `error` is Kafka's name of it, if known."""

    topic: str
    correlation_id: str
    id: str
    nanos: int
    digits: int
    client_id: str
    timestamp: int
    error: str | None

    @property
    def date(self) -> str:
        """The date as it came."""
        return date_of_nanos(self.nanos, self.digits)


ShardFact = SentColumns | SeenColumns | SendFailed


class Position(Struct, array_like=True, gc=False, frozen=True, order=True):
    """Where a message lies in its topic."""

    partition: int
    offset: int


class Send(Struct, array_like=True, gc=False):
    """A raw SEND: how often and where it was written, and how often blocks were told (`version`).

    `answered` says that the blocks were told of an ACK without an offset.
    """

    id: str
    nanos: int
    digits: int
    client_id: str
    timestamp: int
    extra: dict[str, Any] | None
    revision: int = 0
    version: int = 0
    answered: bool = False
    written: Position | None = None

    @property
    def date(self) -> str:
        """The date as it came."""
        return date_of_nanos(self.nanos, self.digits)


class Link(Struct, array_like=True, gc=False, frozen=True):
    """A position of one correlationId, as `Seen` has it. Of producer and reader one at most is not None."""

    partition: int
    offset: int
    nanos: int
    producer: str | None
    timestamp: int
    reader: str | None = None

    @property
    def position(self) -> Position:
        """Where it is."""
        return Position(self.partition, self.offset)

    @property
    def order(self) -> tuple[int, str, int]:
        """Of several at one position the first counts."""
        return self.nanos, self.reader or "", self.timestamp


class CorrelatedSends(Struct, array_like=True):
    """All SENDs, positions and failures of one correlationId in one topic.

    From ACKs come all different links, from consumers and headers per position the earliest. `last` is the timestamp
    (ms) of the newest fact, `found` are open findings by id.
    """

    sends: list[Send] = []
    links: list[Link] = []
    failures: list[SendFailed] = []
    last: int = 0
    found: dict[str, Found] = {}

    def send(self, identity: str) -> Send | None:
        """The SEND of this id, if it is known."""
        return next((send for send in self.sends if send.id == identity), None)

    def add(self, link: Link) -> int:
        """Take in a link; how many facts that adds."""
        for place, known in enumerate(self.links):
            is_same_place = known.position == link.position
            if is_same_place and link.producer is None is known.producer:
                if link.order < known.order:
                    self.links[place] = link
                return 0
            if is_same_place and (known.nanos, known.producer) == (link.nanos, link.producer):
                if link.timestamp < known.timestamp:
                    self.links[place] = link
                return 0
        self.links.append(link)
        return 1

    def fail(self, failure: SendFailed) -> int:
        """Take in a failure; how many facts that adds."""
        if any(known.id == failure.id for known in self.failures):
            return 0
        self.failures.append(failure)
        return 1

    def facts(self) -> int:
        """How many facts this holds."""
        return len(self.sends) + len(self.links) + len(self.failures)


class PlainSend(Struct, array_like=True, gc=False):
    """One SEND and one position of a correlationId in a topic, or one of both: nearly all are this.

    Without a SEND yet its id is empty, without a position yet its offset is -1. The position was seen by an ACK of
    `acked_by` at `acked_nanos`, or by a reader (None: a header) at `seen_nanos`, or by both; what was not is -1.
    `written`: the SEND was, at this position.
    """

    id: str = ""
    nanos: int = 0
    digits: int = 0
    client_id: str = ""
    timestamp: int = 0
    extra: dict[str, Any] | None = None
    partition: int = -1
    offset: int = -1
    seen_nanos: int = -1
    seen_timestamp: int = -1
    reader: str | None = None
    acked_nanos: int = -1
    acked_timestamp: int = -1
    acked_by: str | None = None
    last: int = 0
    written: bool = False

    @property
    def date(self) -> str:
        """The date of the SEND, as it came."""
        return date_of_nanos(self.nanos, self.digits)

    def facts(self) -> int:
        """How many facts this holds."""
        return (self.id != "") + (self.seen_nanos >= 0) + (self.acked_nanos >= 0)

    def see(self, seen: Link) -> int | None:
        """Take in a sighting; how many facts that adds. None: it does not fit, and this has to become an object."""
        if seen.offset < 0 or self.offset not in {-1, seen.offset} or self.partition not in {-1, seen.partition}:
            return None
        self.partition, self.offset = seen.partition, seen.offset
        if seen.producer is not None:
            if self.acked_nanos >= 0:
                return None
            self.acked_nanos, self.acked_timestamp, self.acked_by = seen.nanos, seen.timestamp, seen.producer
            return 1
        is_first = self.seen_nanos < 0
        if is_first or seen.order < (self.seen_nanos, self.reader or "", self.seen_timestamp):
            self.seen_nanos, self.seen_timestamp, self.reader = seen.nanos, seen.timestamp, seen.reader
        return int(is_first)

    def is_placed(self) -> bool:
        """Whether the SEND lies at the position by the rules of send_pairing.py; False also if it is not clear."""
        if not self.id or self.offset < 0:
            return False
        if self.acked_nanos >= 0:
            return self.acked_by == self.client_id and self.nanos <= self.acked_nanos
        return self.seen_nanos >= self.nanos or self.reader != self.client_id

    def as_object(self) -> CorrelatedSends:
        """The same in the form that any number of SENDs and positions has."""
        known = CorrelatedSends(last=self.last)
        if self.id:
            send = Send(self.id, self.nanos, self.digits, self.client_id, self.timestamp, self.extra)
            if self.written:
                send.revision = send.version = 1
                send.written = Position(self.partition, self.offset)
            known.sends.append(send)
        if self.acked_nanos >= 0:
            known.links.append(Link(self.partition, self.offset, self.acked_nanos, self.acked_by, self.acked_timestamp))
        if self.seen_nanos >= 0:
            known.links.append(
                Link(self.partition, self.offset, self.seen_nanos, None, self.seen_timestamp, self.reader)
            )
        return known
