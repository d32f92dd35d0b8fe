"""What leaves a reader of the messages of a partition: with payloads, with headers, or as columns without either."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, cast

from apache_beam import pvalue

from pipeline.io.reader_state import Listed
from transforms.input.link_headers import correlation_of
from transforms.input.record_batch import RecordBatch
from transforms.input.records import Header
from transforms.observe.observed_batch import ObservedBatch

if TYPE_CHECKING:
    from confluent_kafka import Message

#: The outputs beside the main one, which has the traces.
MESSAGES, OBSERVED, COMMITS = "messages", "observed", "commits"
LOG_APPEND_TIME = 2  # confluent_kafka.TIMESTAMP_LOG_APPEND_TIME


class Polled(NamedTuple):
    """Messages of one partition, which was read up to `next_offset` at `read_ms` of the clock."""

    messages: "Sequence[Message]"
    next_offset: int
    read_ms: int


def batches(listed: Listed, polled: Polled, *, is_news: bool) -> Iterator[Any]:
    """The outputs of a reader. `is_news`: the next offset is, if it moved by no message at all."""
    messages = polled.messages
    if listed.is_observed and is_news:
        yield pvalue.TaggedOutput(OBSERVED, observed_of((listed.topic, listed.partition), polled))
    if not messages:
        return
    if listed.is_tracing:
        yield batch_of(messages, with_payload=True)
    elif listed.has_links:
        yield pvalue.TaggedOutput(MESSAGES, batch_of(messages, with_payload=False))
    elif not listed.is_observed:
        yield pvalue.TaggedOutput(COMMITS, batch_of(messages, with_payload=True))


def batch_of(messages: "Sequence[Message]", *, with_payload: bool) -> RecordBatch:
    """The batch of these messages, with keys and values, or with headers alone."""
    nothing: list[bytes | None] = [None] * len(messages)
    return RecordBatch(
        topics=[cast("str", each.topic()) for each in messages],
        partitions=[cast("int", each.partition()) for each in messages],
        offsets=[cast("int", each.offset()) for each in messages],
        timestamps=[each.timestamp()[1] for each in messages],
        keys=[each.key() for each in messages] if with_payload else nothing,
        values=[each.value() for each in messages] if with_payload else nothing,
        headers=None if with_payload else [_headers(each) for each in messages],
    )


def observed_of(place: tuple[str, int], polled: Polled) -> ObservedBatch:
    """Where these messages lie, when and how large they are, and their correlationIds; what is in them stays here."""
    return ObservedBatch.of(
        place,
        polled.next_offset,
        polled.read_ms,
        map(_row, polled.messages),
        [correlation_of(_headers(each)) for each in polled.messages],
    )


def _row(message: "Message") -> tuple[int, int, bool, int]:
    kind, timestamp = message.timestamp()
    return cast("int", message.offset()), timestamp, kind == LOG_APPEND_TIME, len(message)


def _headers(message: "Message") -> tuple[Header, ...]:
    headers = cast("list[tuple[str, bytes | None]]", message.headers() or [])
    return tuple(Header(name, value) for name, value in headers)
