"""The records that enter the pipeline, as Kafka gave them, and the words that they are described with."""

import typing
from collections.abc import Sequence
from typing import NamedTuple

SEND = "SEND"
ACK = "ACK"
CONSUME = "CONSUME"
COMMIT = "COMMIT"

#: The group of consumers that have none: they were assigned their partitions. No consumer group has an empty name.
NO_GROUP = ""
#: The group that stands for the reader of headers; nobody names a group so.
HEADER_READER = "\0headers"

#: Offset and partition of an ACK whose send failed, and offset of a commit at the start of a partition.
UNKNOWN = -1

#: Kafka's own types: 32 and 64 bits.
LARGEST_PARTITION = 2**31 - 1
LARGEST_OFFSET = 2**63 - 1

#: 2200-01-01 in ms. What is later is no time: nanoseconds in 64 bits end in 2262.
LATEST_TIMESTAMP = 7_258_118_400_000


class Header(NamedTuple):
    """A header of a Kafka record."""

    key: str
    value: bytes | None


class KafkaRecord(NamedTuple):
    """One record as it lies in its topic; ReadFromKafka's rows have the same fields.

    `timestamp` is in milliseconds, negative where the record has none; `headers` are pairs with `key` and `value`.
    """

    topic: str
    partition: int
    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None
    headers: Sequence[Header] = ()


def is_position(record: KafkaRecord) -> bool:
    """Whether a record can lie where it says: Kafka gives it so, an envelope in a file may not."""
    return 0 <= record.partition <= LARGEST_PARTITION and 0 <= record.offset <= LARGEST_OFFSET


class HeaderLink(NamedTuple):
    """A record of a business topic: its header says which correlationId lies at this position; None without one."""

    topic: str
    partition: int
    offset: int
    correlation_id: str | None
    timestamp: int


#: A record for a Kafka topic, as WriteToKafka wants it: key and value.
KeyValue = typing.Tuple[bytes, bytes]  # noqa: UP006  Beam's type inference reads the typing form
