"""What a block knows of its messages, and what it has written of each raw trace."""

from typing import Any, NamedTuple

from transforms.dates import nanos_of

#: What was written last of a trace, its raw fields aside; while it is equal nothing is written again.
Written = tuple[Any, ...]


class Sent(NamedTuple):
    """LocateSends says: this SEND lies at this offset (or, not `live`, no longer does). The highest version holds."""

    id: str
    correlation_id: str
    date: str
    client_id: str
    timestamp: int
    version: int
    live: bool
    nanos: int

    @property
    def order(self) -> tuple[int, str]:
        """Order of facts: by date, then id."""
        return self.nanos, self.id


class Held:
    """A raw ACK or CONSUME of this block, and how often and as what it was written."""

    __slots__ = (
        "client_id",
        "correlation_id",
        "date",
        "deadline",
        "extra",
        "id",
        "nanos",
        "revision",
        "timestamp",
        "written",
    )

    def __init__(
        self,
        identity: str,
        date: str,
        client_id: str,
        timestamp: int,
        correlation_id: str | None,
        extra: dict[str, Any] | None,
        deadline: int,
    ) -> None:
        self.id = identity
        self.date = date
        self.client_id = client_id
        self.timestamp = timestamp
        self.correlation_id = correlation_id
        self.extra = extra
        self.nanos = nanos_of(date)
        self.deadline = deadline
        self.revision = 0
        self.written: Written | None = None

    @property
    def order(self) -> tuple[int, str]:
        """Order of facts: by date, then id."""
        return self.nanos, self.id


class Message:
    """All facts about one offset. Deliveries are in order, per group."""

    __slots__ = ("acks", "deliveries", "last", "links", "sends", "unacked")

    def __init__(self) -> None:
        self.sends: list[Sent] = []
        self.acks: list[Held] = []
        self.links: list[tuple[str, int]] = []
        self.deliveries: dict[str, list[Held]] = {}
        self.unacked: str | None = None
        self.last = 0

    def sent(self) -> Sent | None:
        """The SEND of this offset: of several that claim it, the first by date."""
        live = [sent for sent in self.sends if sent.live]
        return live[0] if len(live) == 1 else min(live, key=_order, default=None)

    def correlation_id(self, sent: Sent | None) -> str | None:
        """The correlationId of this offset: its SEND's, else an ACK's, else the header's, else the first delivery's."""
        if sent is not None:
            return sent.correlation_id
        acked = min((ack for ack in self.acks if ack.correlation_id), key=_order, default=None)
        if acked is not None:
            return acked.correlation_id
        if self.links:
            return min(self.links)[0]
        first = min((deliveries[0] for deliveries in self.deliveries.values()), key=_order, default=None)
        return None if first is None else first.correlation_id

    def facts(self) -> int:
        """How many facts this message holds."""
        return len(self.sends) + len(self.acks) + len(self.links) + sum(map(len, self.deliveries.values()))


class Commit:
    """A COMMIT that may settle deliveries of this block, and the records it has written.

    `original` says that this block writes the record with the original id; `floor` is the lowest revision it may bear,
    above all that another block wrote of it before. `settled` are the deliveries that this commit settles, by offset.
    `written` has per record (its offset, or ORIGINAL) the revision and what was written; None after a withdrawal.
    """

    __slots__ = (
        "client_id", "date", "deadline", "extra", "floor", "group_id", "id", "nanos", "offset", "original", "repeated",
        "settled", "timestamp", "version", "written",
    )  # fmt: skip

    ORIGINAL = -1

    offset: int
    timestamp: int
    group_id: str

    def __init__(self, event: list[Any], deadline: int) -> None:
        (
            _, self.offset, self.id, self.date, self.client_id, self.timestamp, self.group_id, self.extra,
            self.repeated, self.original, self.version, self.floor,
        ) = event[:12]  # fmt: skip
        self.nanos = nanos_of(self.date)
        self.deadline = deadline
        self.settled: dict[int, list[Held]] = {}
        self.written: dict[int, tuple[int, Written | None]] = {}

    def freeze(self, offset: int) -> None:
        """The message at this offset is forgotten: what was written of it stays as it is."""
        self.written.pop(offset, None)
        _, said = self.written.get(Commit.ORIGINAL, (0, None))
        if said is not None and said[0] == offset:
            del self.written[Commit.ORIGINAL]
            self.original = False

    @property
    def order(self) -> tuple[int, str]:
        """Order of facts: by date, then id."""
        return self.nanos, self.id


def _order(fact: Sent | Held) -> tuple[int, str]:
    return fact.order
