"""Facts: what passes between steps and lies in journals, as types. A pack is the MessagePack array of facts.

Facts about a block that come in numbers come as columns: one fact holds an item for each trace, and numbers lie in it
as the bytes of arrays, so that a pack is taken in without an object for each trace.
"""

from collections.abc import Iterable, Sequence
from typing import Any, Protocol, Self

import numpy as np
import numpy.typing as npt
from msgspec import Struct

from transforms.input.dates import date_of_nanos
from transforms.input.traces import Trace
from transforms.state.waits import earliest

Int64s = npt.NDArray[np.int64]

#: A date has nothing after its seconds, or a point and one to nine digits; this is the length without both.
_LENGTH_WITHOUT_DIGITS = len("2020-03-25T15:41:01.Z")


def digits_of(date: str) -> int:
    """How many fraction digits a date has. With its nanoseconds it is all that a date says."""
    return max(len(date) - _LENGTH_WITHOUT_DIGITS, 0)


def digits_column(traces: Iterable[Trace]) -> bytes:
    """How many fraction digits the date of each has."""
    return bytes([digits_of(trace.date) for trace in traces])


def numbered(texts: Iterable[str]) -> tuple[list[int], list[str]]:
    """A number for each text, equal ones for equal texts; and the texts that these number."""
    numbers: dict[str, int] = {}
    return [numbers.setdefault(text, len(numbers)) for text in texts], list(numbers)


class AtOffset(Protocol):
    """A raw trace with an offset, or a SEND that was located."""

    @property
    def id(self) -> str: ...  # noqa: D102  as Trace says
    @property
    def offset(self) -> int: ...  # noqa: D102
    @property
    def nanos(self) -> int: ...  # noqa: D102
    @property
    def client_id(self) -> str: ...  # noqa: D102
    @property
    def timestamp(self) -> int: ...  # noqa: D102
    @property
    def correlation_id(self) -> str | None: ...  # noqa: D102
    @property
    def extra(self) -> dict[str, Any] | None: ...  # noqa: D102


class TraceColumns(Struct, array_like=True, gc=False, kw_only=True):
    """Raw traces of one kind about offsets of one block.

    `offsets`, `nanos` (date) and `timestamps` (ms, of the record) are int64, `clients` are int32 that number the
    `client_ids`, `digits` are bytes: how many fraction digits each date has. `correlation_ids` is None if no trace
    names one; `extras` are the fields to be passed through, by item.
    """

    offsets: bytes
    nanos: bytes
    digits: bytes
    timestamps: bytes
    clients: bytes
    client_ids: list[str]
    ids: list[str]
    correlation_ids: list[str | None] | None = None
    extras: dict[int, dict[str, Any]] | None = None

    def __len__(self) -> int:
        return len(self.ids)

    @classmethod
    def of(cls, traces: Sequence[AtOffset], digits: bytes, **more: Any) -> Self:
        """The columns of these traces; `digits` are how many their dates have, `more` are fields of the class."""
        clients, client_ids = numbered(trace.client_id for trace in traces)
        correlation_ids = [trace.correlation_id for trace in traces]
        extras = {item: trace.extra for item, trace in enumerate(traces) if trace.extra}
        return cls(
            offsets=np.array([trace.offset for trace in traces], np.int64).tobytes(),
            nanos=np.array([trace.nanos for trace in traces], np.int64).tobytes(),
            digits=digits,
            timestamps=np.array([trace.timestamp for trace in traces], np.int64).tobytes(),
            clients=np.array(clients, np.int32).tobytes(),
            client_ids=client_ids,
            ids=[trace.id for trace in traces],
            correlation_ids=correlation_ids if any(correlation_ids) else None,
            extras=extras or None,
            **more,
        )


class RawColumns(Struct, array_like=True, gc=False, kw_only=True):
    """Raw traces of one kind for a view that looks at them one by one, and has few of a bundle: lists, not arrays.

    `nanos` are the dates, with so many `digits`; `timestamps` are in ms; `clients` number the `client_ids`; `extras`
    are fields to be passed through, by item.
    """

    ids: list[str]
    nanos: list[int]
    digits: bytes
    timestamps: list[int]
    clients: list[int]
    client_ids: list[str]
    extras: dict[int, dict[str, Any]]

    @classmethod
    def of_traces(cls, traces: Sequence[Trace], **more: Any) -> Self:
        """The columns of these traces; `more` are fields of the class."""
        clients, client_ids = numbered(trace.client_id for trace in traces)
        return cls(
            ids=[trace.id for trace in traces],
            nanos=[trace.nanos for trace in traces],
            digits=digits_column(traces),
            timestamps=[trace.timestamp for trace in traces],
            clients=clients,
            client_ids=client_ids,
            extras={item: trace.extra for item, trace in enumerate(traces) if trace.extra},
            **more,
        )


class Acks(TraceColumns, tag="acks"):
    """ACKs that say where their message lies."""


class Reads(TraceColumns, tag="reads", kw_only=True):
    """CONSUMEs of one group."""

    group_id: str


class LocatedSends(TraceColumns, tag="sends"):
    """SENDs that lie at these offsets, told for the first time. Each has a correlationId."""


class LocatedSend(Struct, tag="send", array_like=True, gc=False):
    """A SEND lies at this offset (or, not `live`, no longer does). Of one id the highest version holds.

    `answered` says that an ACK without an offset is about it: its producer was told something.
    """

    offset: int
    id: str
    correlation_id: str
    nanos: int
    digits: int
    client_id: str
    timestamp: int
    version: int
    live: bool
    answered: bool

    @property
    def extra(self) -> None:
        """None: what a SEND has beside our fields concerns its own record alone."""

    @property
    def date(self) -> str:
        """The date as it came."""
        return date_of_nanos(self.nanos, self.digits)

    @property
    def order(self) -> tuple[int, str]:
        """Order of facts: by date, then id."""
        return self.nanos, self.id


class HeaderLinks(Struct, tag="links", array_like=True, gc=False):
    """Records of a business topic: offsets and timestamps (ms) are int64; a record without the header has None."""

    offsets: bytes
    timestamps: bytes
    correlation_ids: list[str | None]


class CommitUpTo(Struct, tag="commit", array_like=True, gc=False):
    """A COMMIT that may settle deliveries of the block.

    `is_home` says that this is the block of its own offset. Of one id the highest version says whether it is
    `repeated`: whether the commit before it had the same offset.
    """

    offset: int
    id: str
    nanos: int
    digits: int
    client_id: str
    timestamp: int
    group_id: str
    extra: dict[str, Any] | None
    repeated: bool
    is_home: bool
    version: int


class GroupExpectation(Struct, tag="group", array_like=True, gc=False, frozen=True):
    """What is expected of a group in this block; times in ms.

    Messages from offset `start` on are expected if they were produced up to `until`. At `passed` the group was first
    seen in a later block, at `commits` it was first seen committing in this partition; None: not yet.
    """

    group_id: str
    start: int
    until: int
    passed: int | None
    commits: int | None

    def merge(self, news: "GroupExpectation") -> "GroupExpectation":
        """Both together, whichever came first."""
        return GroupExpectation(
            self.group_id,
            min(self.start, news.start),
            max(self.until, news.until),
            earliest(self.passed, news.passed),
            earliest(self.commits, news.commits),
        )


class ProducerAnswered(Struct, tag="producer", array_like=True, gc=False):
    """A client is answered without offsets in this partition, and with offsets too if it `places`; when, in ms."""

    client_id: str
    timestamp: int
    places: bool


class Ended(Struct, tag="end", array_like=True, gc=False):
    """Bounded input ends at this event time (ms)."""

    at: int


BlockFact = (
    Acks | Reads | LocatedSends | LocatedSend | HeaderLinks | CommitUpTo | GroupExpectation | ProducerAnswered | Ended
)
