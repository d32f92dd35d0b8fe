"""What a block knows of a message that is not plain, and of commits; what a plain one is, block_table.py says."""

from collections.abc import Iterator
from operator import attrgetter
from typing import Any

from transforms.findings.findings import MINUTE_MS
from transforms.input.dates import NANOS_PER_MILLI, date_of_nanos
from transforms.input.records import LATEST_TIMESTAMP
from transforms.state.facts import CommitUpTo, LocatedSend

#: What was written last of a trace, its raw fields aside; while it is equal nothing is written again.
Written = tuple[Any, ...]

_order = attrgetter("order")


class JoinedTrace:
    """An ACK or CONSUME of this block, how often and as what it was written, and which commit settles it."""

    __slots__ = (
        "client_id", "correlation_id", "deadline", "digits", "extra", "id", "nanos", "revision", "settled_by",
        "timestamp", "written",
    )  # fmt: skip

    def __init__(
        self,
        identity: str,
        nanos: int,
        digits: int,
        client_id: str,
        timestamp: int,
        correlation_id: str | None,
        extra: dict[str, Any] | None,
        deadline: int,
    ) -> None:
        self.id = identity
        self.nanos = nanos
        self.digits = digits
        self.client_id = client_id
        self.timestamp = timestamp
        self.correlation_id = correlation_id
        self.extra = extra
        self.deadline = deadline
        self.revision = 0
        self.written: Written | None = None
        self.settled_by: Commit | None = None

    @property
    def date(self) -> str:
        """The date as it came."""
        return date_of_nanos(self.nanos, self.digits)

    @property
    def order(self) -> tuple[int, str]:
        """Order of facts: by date, then id."""
        return self.nanos, self.id


class Message:
    """All facts about one offset. Deliveries are in order, per group.

    `first` and `last` are the lowest and the highest Kafka timestamp (ms) of its facts, `windows` are the minutes (ms)
    that it is counted in, once it was: one, unless the log restarted.
    """

    __slots__ = ("acks", "deliveries", "first", "last", "links", "sends", "windows")

    def __init__(self, timestamp: int) -> None:
        self.sends: list[LocatedSend] = []
        self.acks: list[JoinedTrace] = []
        self.links: list[tuple[str | None, int]] = []
        self.deliveries: dict[str, list[JoinedTrace]] = {}
        self.windows: tuple[int, ...] = ()
        self.first = self.last = timestamp

    def sent(self) -> LocatedSend | None:
        """The SEND of this offset: of several that claim it, the first by date."""
        sends = self.sends
        if len(sends) == 1:
            return sends[0] if sends[0].live else None
        return min((sent for sent in sends if sent.live), key=_order, default=None)

    def incarnations(self) -> list["Message"]:
        """This message, or one for each that lay here: a log that restarted has another at the same offset.

        There are several if SENDs and ACKs name different correlationIds, in order of the first date of each. A fact
        that names one of these belongs there, any other to the last that began before it, else to the first.
        """
        sends = [sent for sent in self.sends if sent.live]
        named = [ack for ack in self.acks if ack.correlation_id is not None]
        founders: list[LocatedSend | JoinedTrace] = [*sends, *named]
        if len({fact.correlation_id for fact in founders}) < 2:  # noqa: PLR2004  that is what a restart takes
            return [self]
        return _split(self, founders)

    def window(self) -> int:
        """The minute (ms) that it counts in: when it was produced, or when it was first heard of."""
        produced = self.produced(self.sent())
        millis = (self.earliest_date() if produced is None else produced) // NANOS_PER_MILLI
        return millis - millis % MINUTE_MS

    def correlation_id(self, sent: LocatedSend | None) -> str | None:
        """The correlationId of this offset: its SEND's, else an ACK's, else the header's, else the first delivery's."""
        if sent is not None:
            return sent.correlation_id
        acked = min((ack for ack in self.acks if ack.correlation_id), key=_order, default=None)
        if acked is not None:
            return acked.correlation_id
        named = min((correlation for correlation, _ in self._named()), default=None)
        if named is not None:
            return named
        first = min((deliveries[0] for deliveries in self.deliveries.values()), key=_order, default=None)
        return None if first is None else first.correlation_id

    def produced(self, sent: LocatedSend | None) -> int | None:
        """When it was produced (ns): its SEND's date, else what an ACK or CONSUME says, else its header's record."""
        if sent is not None:
            return sent.nanos
        held = [*self.acks, *(one for deliveries in self.deliveries.values() for one in deliveries)]
        said = [time for one in held if (time := record_timestamp(one.extra)) is not None]
        millis = min(said or (timestamp for _, timestamp in self.links), default=None)
        return None if millis is None else millis * NANOS_PER_MILLI

    def earliest_date(self) -> int:
        """The earliest date (ns) of its facts."""
        dates = [sent.nanos for sent in self.sends if sent.live]
        dates += [ack.nanos for ack in self.acks]
        dates += [deliveries[0].nanos for deliveries in self.deliveries.values()]
        dates += [timestamp * NANOS_PER_MILLI for _, timestamp in self.links]
        return min(dates, default=self.first * NANOS_PER_MILLI)

    def is_message(self) -> bool:
        """Whether a fact still says that there is a message: a SEND may have moved elsewhere."""
        return bool(self.acks or self.deliveries or self.links) or self.sent() is not None

    def traces(self) -> Iterator[JoinedTrace]:
        """Its ACKs and deliveries."""
        yield from self.acks
        for deliveries in self.deliveries.values():
            yield from deliveries

    def facts(self) -> int:
        """How many facts this message holds."""
        return len(self.sends) + len(self.acks) + len(self.links) + sum(map(len, self.deliveries.values()))

    def _named(self) -> Iterator[tuple[str, int]]:
        return ((correlation, timestamp) for correlation, timestamp in self.links if correlation is not None)


class Commit:
    """A COMMIT that may settle deliveries of this block, and the records it has written.

    `is_home` says that this is the block of its own offset, which writes the record with the commit's own id. `slot` is
    its number among the commits of its group. `settled` are the deliveries of messages that are not plain which this
    commit settles, by offset.
    `written` has per record (its offset, or OWN) the revision and what was written; None after a withdrawal. What was
    written of plain messages is not in it: the columns say that.
    """

    __slots__ = (
        "client_id", "deadline", "digits", "extra", "group_id", "id", "is_home", "nanos", "offset", "repeated",
        "settled", "slot", "timestamp", "version", "written",
    )  # fmt: skip

    OWN = -1

    def __init__(self, told: CommitUpTo, deadline: int, slot: int) -> None:
        self.id = told.id
        self.offset = told.offset
        self.nanos = told.nanos
        self.digits = told.digits
        self.client_id = told.client_id
        self.timestamp = told.timestamp
        self.group_id = told.group_id
        self.extra = told.extra
        self.repeated = told.repeated
        self.is_home = told.is_home
        self.version = told.version
        self.deadline = deadline
        self.slot = slot
        self.settled: dict[int, list[JoinedTrace]] = {}
        self.written: dict[int, tuple[int, Written | None]] = {}

    def record_of(self, offset: int) -> int:
        """Which of its records says that it settles this offset."""
        return Commit.OWN if offset == self.offset else offset

    def freeze(self, offset: int) -> None:
        """The message at this offset is forgotten: what was written of it stays as it is."""
        self.written.pop(offset, None)
        _, said = self.written.get(Commit.OWN, (0, None))
        if said is not None and said[0] == offset:
            del self.written[Commit.OWN]
            self.is_home = False

    @property
    def date(self) -> str:
        """The date as it came."""
        return date_of_nanos(self.nanos, self.digits)

    @property
    def order(self) -> tuple[int, int, str]:
        """By date, then offset: of two in one instant the group came from the lower one."""
        return self.nanos, self.offset, self.id


def record_timestamp(extra: dict[str, Any] | None) -> int | None:
    """The optional field `recordTimestamp` (ms) of an ACK or a CONSUME, if it is a time."""
    said = extra.get("recordTimestamp") if extra else None
    return said if type(said) is int and 0 < said < LATEST_TIMESTAMP else None


def _split(message: Message, founders: list[LocatedSend | JoinedTrace]) -> list[Message]:
    starts: dict[str | None, int] = {}
    for fact in founders:
        starts[fact.correlation_id] = min(fact.nanos, starts.get(fact.correlation_id, fact.nanos))
    names = sorted(starts, key=lambda name: (starts[name], name or ""))
    parts = {name: Message(LATEST_TIMESTAMP) for name in names}
    for life in parts.values():
        life.last = 0

    def part(correlation_id: str | None, nanos: int, timestamp: int) -> Message:
        before = (name for name in reversed(names) if starts[name] <= nanos)
        name = correlation_id if correlation_id in starts else next(before, names[0])
        found = parts[name]
        found.first, found.last = min(found.first, timestamp), max(found.last, timestamp)
        return found

    for sent in message.sends:
        if sent.live:
            part(sent.correlation_id, sent.nanos, sent.timestamp).sends.append(sent)
    for ack in message.acks:
        part(ack.correlation_id, ack.nanos, ack.timestamp).acks.append(ack)
    for correlation_id, timestamp in message.links:
        part(correlation_id, timestamp * NANOS_PER_MILLI, timestamp).links.append((correlation_id, timestamp))
    for group, deliveries in message.deliveries.items():
        for one in deliveries:
            part(one.correlation_id, one.nanos, one.timestamp).deliveries.setdefault(group, []).append(one)
    return list(parts.values())
