"""What a span says about a message: OpenTelemetry's messaging conventions from 1.11 to 1.44, under all their names.

Newer names come first. The Python instrumentation of confluent-kafka tells the offset in the message id alone.
"""

import re
from enum import Enum

from tracing_aggregator.ingest.spans import Attributes, Span

SYSTEM = "messaging.system"
KAFKA = "kafka"
TOPIC = ("messaging.destination.name", "messaging.source.name", "messaging.destination")
PARTITION = (
    "messaging.destination.partition.id",
    "messaging.kafka.destination.partition",
    "messaging.kafka.source.partition",
    "messaging.kafka.partition",
)
OFFSET = ("messaging.kafka.offset", "messaging.kafka.message.offset")
MESSAGE_ID = ("messaging.message.id", "messaging.message_id")
GROUP = ("messaging.consumer.group.name", "messaging.kafka.consumer.group", "messaging.kafka.consumer_group")
CLIENT = ("messaging.client.id", "messaging.client_id", "messaging.kafka.client_id", "messaging.consumer.id")
PROCESS = ("service.instance.id", "service.name")
CORRELATION = ("messaging.header.correlationId", "messaging.message.conversation_id", "messaging.conversation_id")
OPERATION = ("messaging.operation.type", "messaging.operation", "messaging.operation.name")


class Operation(Enum):
    """What a client does with a message."""

    SEND = "send"
    RECEIVE = "receive"
    PROCESS = "process"
    SETTLE = "settle"


_OPERATIONS = {
    "publish": Operation.SEND,
    "send": Operation.SEND,
    "receive": Operation.RECEIVE,
    "poll": Operation.RECEIVE,
    "process": Operation.PROCESS,
    "deliver": Operation.PROCESS,
    "settle": Operation.SETTLE,
    "commit": Operation.SETTLE,
}
_BY_KIND = {"producer": Operation.SEND, "consumer": Operation.PROCESS}


def operation_of(span: Span) -> Operation | None:
    """What a span of Kafka is about; None for any other span, and for operations that are no phase of a message."""
    if span.attributes.get(SYSTEM) != KAFKA:
        return None
    said = [str(span.attributes[name]).lower() for name in OPERATION if name in span.attributes]
    if said:
        return next((_OPERATIONS[word] for word in said if word in _OPERATIONS), None)
    return _BY_KIND.get(span.kind)


def text(attributes: Attributes, names: tuple[str, ...]) -> str:
    """The first of these attributes that says something; a captured header is a list, its first value counts."""
    for name in names:
        value = attributes.get(name)
        if isinstance(value, tuple):
            value = value[0] if value else None
        if value not in {None, ""}:
            return str(value)
    return ""


def number(attributes: Attributes, names: tuple[str, ...]) -> int | None:
    """The first of these attributes as a whole number from 0; None where it is none. Partition ids come as texts."""
    said = text(attributes, names)
    return int(said) if said.isascii() and said.isdigit() else None


def position(attributes: Attributes) -> tuple[int | None, int | None]:
    """Partition and offset, as far as they are told."""
    partition, offset = number(attributes, PARTITION), number(attributes, OFFSET)
    told = re.fullmatch(r".+\.(\d+)\.(\d+)", text(attributes, MESSAGE_ID), re.ASCII)
    if told and offset is None and partition in {None, int(told[1])}:
        return int(told[1]), int(told[2])
    return partition, offset
