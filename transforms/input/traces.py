"""Raw traces: one class for each phase of a message, as its JSON has them. `Trace` is any of them.

A decoder takes each field within its limits and no other field; `extra` then holds the others (parse_traces.py).
"""

from typing import TYPE_CHECKING, Annotated, Any, ClassVar, TypeAlias

from msgspec import Meta, Struct

from transforms.input.records import ACK, COMMIT, CONSUME, LARGEST_OFFSET, LARGEST_PARTITION, NO_GROUP, SEND, UNKNOWN

MAX_TEXT_LENGTH = 1024
MAX_TOPIC_LENGTH = 249

Text = Annotated[str, Meta(min_length=1, max_length=MAX_TEXT_LENGTH)]
Group = Annotated[str, Meta(max_length=MAX_TEXT_LENGTH)]
Topic = Annotated[str, Meta(min_length=1, max_length=MAX_TOPIC_LENGTH)]
Place = Annotated[int, Meta(ge=0, le=LARGEST_PARTITION)]
PlaceOrUnknown = Annotated[int, Meta(ge=UNKNOWN, le=LARGEST_PARTITION)]
Offset = Annotated[int, Meta(ge=0, le=LARGEST_OFFSET)]
OffsetOrUnknown = Annotated[int, Meta(ge=UNKNOWN, le=LARGEST_OFFSET)]


class _Ours:
    """For a decoder, the type of what we fill in: no JSON is one, so it refuses an input with a field of that name."""


if TYPE_CHECKING:
    _OurNumber: TypeAlias = int
    _OurExtra: TypeAlias = dict[str, Any] | None
else:
    _OurNumber = _OurExtra = _Ours


class _Raw(Struct, kw_only=True, gc=False, rename="camel", tag_field="type", forbid_unknown_fields=True):
    """What each phase has. `type` is its name.

    `date` is the client's clock, ISO-8601 UTC with the digits as they came, and `nanos` the same as a number;
    `timestamp` is the record's, in ms. `record_timestamp` is the message's in ms if the client names it, else -1.
    `extra` holds every field that is not named here, and recordTimestamp, to be passed through; None without any.
    """

    type: ClassVar[str]

    id: Text
    date: Text
    client_id: Text
    topic: Topic
    record_timestamp: Offset = UNKNOWN
    timestamp: _OurNumber = UNKNOWN
    nanos: _OurNumber = 0
    extra: _OurExtra = None


class Send(_Raw, kw_only=True, tag=SEND):
    """A producer was asked to send."""

    type: ClassVar[str] = SEND

    correlation_id: Text


class Ack(_Raw, kw_only=True, tag=ACK):
    """A broker answered the producer. Both places are -1 if the send failed, the offset alone if none was asked for."""

    type: ClassVar[str] = ACK

    partition: PlaceOrUnknown
    offset: OffsetOrUnknown
    correlation_id: Text | None = None


class Consume(_Raw, kw_only=True, tag=CONSUME):
    """A consumer was given the message. Without a group, of assigned partitions, its group is empty."""

    type: ClassVar[str] = CONSUME

    partition: Place
    offset: Offset
    correlation_id: Text
    group_id: Group = NO_GROUP


class Commit(_Raw, kw_only=True, tag=COMMIT):
    """A group committed up to this offset; -1 is the start of the partition."""

    type: ClassVar[str] = COMMIT

    partition: Place
    offset: OffsetOrUnknown
    group_id: Text
    correlation_id: Text | None = None


Trace: TypeAlias = Send | Ack | Consume | Commit


def has_no_place(ack: Ack) -> bool:
    """Whether an ACK says of no offset that its message lies there: none is known, or the send failed."""
    return ack.offset == UNKNOWN or is_refused(ack)


def is_refused(ack: Ack) -> bool:
    """Whether an ACK says by itself that its send failed; an ACK with a partition alone may be one of `acks=0`."""
    return ack.partition == UNKNOWN or error_of(ack) is not None


def error_of(ack: Ack) -> str | None:
    """Kafka's name of the error, if the interceptor writes one."""
    error = ack.extra.get("error") if ack.extra else None
    return error if type(error) is str and error else None
