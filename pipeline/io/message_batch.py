"""confluent-kafka's messages as a batch of records."""

from typing import TYPE_CHECKING, cast

from transforms.record_batch import RecordBatch
from transforms.records import Header

if TYPE_CHECKING:
    from collections.abc import Sequence

    from confluent_kafka import Message


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


def _headers(message: "Message") -> tuple[Header, ...]:
    headers = cast("list[tuple[str, bytes | None]]", message.headers() or [])
    return tuple(Header(name, value) for name, value in headers)
