"""What CommitsView knows: the commits of one group in one partition, and where the group reads."""

from typing import Any

from transforms.dates import nanos_of
from transforms.facts import CommitUpTo, digits_of
from transforms.packs import Event


class Reads:
    """All deliveries of the group in one block, as one interval of offsets and of dates (ns), both ends included.

    `settled_nanos` is the date of a commit that settled them all, `timestamp` the Kafka timestamp (ms) of the newest.
    """

    __slots__ = ("first_nanos", "high", "last_nanos", "low", "settled_nanos", "timestamp")

    def __init__(
        self, low: int, high: int, first_nanos: int, last_nanos: int, settled_nanos: int | None, timestamp: int
    ) -> None:
        self.low = low
        self.high = high
        self.first_nanos = first_nanos
        self.last_nanos = last_nanos
        self.settled_nanos = settled_nanos
        self.timestamp = timestamp

    def add(self, offset: int, nanos: int, timestamp: int) -> None:
        """One more delivery."""
        self.low, self.high = min(self.low, offset), max(self.high, offset)
        self.first_nanos, self.last_nanos = min(self.first_nanos, nanos), max(self.last_nanos, nanos)
        self.timestamp = max(self.timestamp, timestamp)

    def merge(self, news: "Reads") -> "Reads":
        """Both together; news may be unsettled."""
        return Reads(
            min(self.low, news.low),
            max(self.high, news.high),
            min(self.first_nanos, news.first_nanos),
            max(self.last_nanos, news.last_nanos),
            None,
            max(self.timestamp, news.timestamp),
        )

    def interval(self) -> tuple[int | None, ...]:
        """The fields of its event, but for the timestamp."""
        return self.low, self.high, self.first_nanos, self.last_nanos, self.settled_nanos


class OrderedCommit:
    """A commit and its place in the sequence.

    `sent_to` are the blocks that know it, None until its reorder wait is over. `version` is how often its own block was
    told anew. `findings` are those that hold, with the offset of the commit before.
    """

    __slots__ = (
        "client_id", "date", "extra", "findings", "id", "nanos", "offset", "repeated", "sent_to", "timestamp",
        "version",
    )  # fmt: skip

    RAW_FIELDS = 7

    def __init__(self, event: list[Any]) -> None:
        _, self.offset, self.id, self.date, self.client_id, self.timestamp, self.extra = event[: self.RAW_FIELDS]
        self.nanos = nanos_of(self.date)
        self.sent_to: list[int] | None = None
        self.repeated = False
        self.version = 0
        self.findings: dict[str, int | None] = {}
        if len(event) > self.RAW_FIELDS:
            self.sent_to, self.repeated, self.version, self.findings = event[self.RAW_FIELDS :]

    @property
    def order(self) -> tuple[int, int, str]:
        """By date, then offset: of two in one instant the group came from the lower one."""
        return self.nanos, self.offset, self.id

    def told_to(self, group: str, *, is_home: bool) -> CommitUpTo:
        """The commit as a block takes it; `is_home` is the block of its own offset."""
        return CommitUpTo(
            self.offset, self.id, self.nanos, digits_of(self.date), self.client_id, self.timestamp, group, self.extra,
            self.repeated, is_home, self.version,
        )  # fmt: skip

    def snapshot(self) -> Event:
        """The event that gives this commit back with all that was told of it."""
        return (
            "K", self.offset, self.id, self.date, self.client_id, self.timestamp, self.extra, self.sent_to,
            self.repeated, self.version, self.findings,
        )  # fmt: skip
