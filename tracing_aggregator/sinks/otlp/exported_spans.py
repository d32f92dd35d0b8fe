"""Messages as spans, by OpenTelemetry's semantic conventions for messaging.

| record | span | starts, ends | parent |
|---|---|---|---|
| ACK | `send T`, producer | at the SEND (`durationMs` before the ACK), at the ACK | none |
| finding `unacked` | `send T`, producer, error | at the SEND | none |
| CONSUME | `poll T`, client | at the CONSUME | the send, and a link to it, where the SEND is known |
| COMMIT | `commit T`, client | at the COMMIT | the poll of the first delivery, where the CONSUME is known |

A SEND makes no span of its own: its ACK has all that it says, and the span of a send is whole then. All ids follow from
what the record says of its message, so the same message has the same ids whenever it is exported. One correlationId is
one trace, in however many topics it lives.
"""

import hashlib
import uuid
from typing import Any, NamedTuple

import orjson

from pipeline.config.settings import Settings
from tracing_aggregator.sinks.values import RefusedError, Value, instant, text, value_of, whole
from transforms.findings.findings import SEND_FAILED, UNACKED
from transforms.input.dates import NANOS_PER_MILLI
from transforms.input.records import ACK, COMMIT, CONSUME, SEND, UNKNOWN, KafkaRecord

SCHEMA_URL = "https://opentelemetry.io/schemas/1.44.0"
#: Kinds of spans.
CLIENT, PRODUCER = "client", "producer"
#: Attributes that no convention names.
OURS = "kafka_tracing."

Attributes = dict[str, str | int]


class ExportedSpan(NamedTuple):
    """A span. `start` and `end` are in ns since the epoch; `parent` is a span id, and `is_linked` if linked too.

    `service` and `instance` say whose it is; `error` is why it failed, empty if it did not.
    """

    service: str
    instance: str
    trace_id: bytes
    span_id: bytes
    parent: bytes | None
    is_linked: bool
    name: str
    kind: str
    start: int
    end: int
    attributes: Attributes
    error: str


def trace_id(correlation_id: str) -> bytes:
    """The 16 bytes of a correlationId: those of the UUID that it is, else of its hash."""
    try:
        known = uuid.UUID(correlation_id).bytes
    except ValueError:
        known = b""
    return known if any(known) else hashlib.sha256(correlation_id.encode()).digest()[:16]


def span_id(*parts: str | int | None) -> bytes:
    """The 8 bytes that stand for these parts."""
    return hashlib.sha256(orjson.dumps(parts)).digest()[:8]


class Spans:
    """Makes spans of the records of `topics`."""

    def __init__(self, settings: Settings) -> None:
        self._anomaly_topic = settings.anomaly_topic
        self.topics = (settings.aggregated_topic, settings.anomaly_topic)

    def of(self, record: KafkaRecord) -> ExportedSpan | None:
        """The span of a record; None for one that makes none, or whose message is not known.

        Raises RefusedError when the record is none that we write.
        """
        value = value_of(record)
        if value is None or value.get("withdrawn") is True:
            return None
        if record.topic == self._anomaly_topic:
            is_span = value.get("reason") == UNACKED and not value.get("resolved") and not value.get("summary")
            return _message(value, _unacked) if is_span else None
        kind = text(value, "type")
        if kind == SEND:
            return None
        if kind not in _OF_TYPE:
            raise RefusedError("unknown-type", f"type is {kind!r:.100}; known are ACK, COMMIT, CONSUME and SEND")
        return _message(value, _OF_TYPE[kind])


def _message(value: Value, of: Any) -> ExportedSpan | None:
    """The span, if the message is known."""
    if value.get("correlationId") is None:
        return None
    span: ExportedSpan = of(value)
    return span


def _ack(value: Value) -> ExportedSpan:
    """A send that was acknowledged, or that failed: then it has no position."""
    end = instant(value, "date")
    duration = whole(value, "durationMs") or 0
    failed = whole(value, "partition") == UNKNOWN
    error = text(value, "error") if failed and "error" in value else SEND_FAILED if failed else ""
    return _send(value, end - duration * NANOS_PER_MILLI, end, error)


def _unacked(value: Value) -> ExportedSpan:
    at = instant(value, "date")
    return _send(value, at, at, UNACKED)


def _send(value: Value, start: int, end: int, error: str) -> ExportedSpan:
    client = text(value, "clientId")
    attributes = _attributes(value, "send", "send")
    return _span(value, client, _send_id(value), None, "send", PRODUCER, start, end, attributes, error)


def _consume(value: Value) -> ExportedSpan:
    at, group = instant(value, "date"), text(value, "groupId")
    latency, delivery = whole(value, "durationMs"), whole(value, "deliveryCount") or 1
    attributes = _attributes(value, "poll", "receive") | {f"{OURS}delivery_count": delivery}
    if latency is not None:
        attributes[f"{OURS}since_send_ms"] = latency
    parent = None if latency is None else _send_id(value)
    return _span(value, group, _poll_id(value, delivery), parent, "poll", CLIENT, at, at, attributes)


def _commit(value: Value) -> ExportedSpan:
    at, group = instant(value, "date"), text(value, "groupId")
    since = whole(value, "durationMs")
    attributes = _attributes(value, "commit", "settle")
    if since is not None:
        attributes[f"{OURS}since_poll_ms"] = since
    parent = None if since is None else _poll_id(value, 1)
    return _span(value, group, span_id("commit", text(value, "id")), parent, "commit", CLIENT, at, at, attributes)


_OF_TYPE = {ACK: _ack, CONSUME: _consume, COMMIT: _commit}


def _span(
    value: Value,
    service: str,
    own_id: bytes,
    parent: bytes | None,
    operation: str,
    kind: str,
    start: int,
    end: int,
    attributes: Attributes,
    error: str = "",
) -> ExportedSpan:
    if error:
        attributes["error.type"] = error
    return ExportedSpan(
        service,
        text(value, "clientId"),
        trace_id(text(value, "correlationId")),
        own_id,
        parent,
        parent is not None and operation == "poll",
        f"{operation} {text(value, 'topic')}",
        kind,
        # Dates are of clocks: no span ends before it starts, or starts before 1970.
        max(0, min(start, end)),
        max(0, end),
        attributes,
        error,
    )


def _attributes(value: Value, operation: str, kind: str) -> Attributes:
    known: dict[str, str | int | None] = {
        "messaging.system": "kafka",
        "messaging.operation.name": operation,
        "messaging.operation.type": kind,
        "messaging.destination.name": text(value, "topic"),
        "messaging.client.id": text(value, "clientId"),
        "messaging.message.conversation_id": text(value, "correlationId"),
        "messaging.consumer.group.name": text(value, "groupId") if "groupId" in value else None,
        f"{OURS}cluster": text(value, "cluster") if "cluster" in value else None,
    }
    partition, offset = whole(value, "partition"), whole(value, "offset")
    if partition is not None and partition != UNKNOWN:
        known["messaging.destination.partition.id"] = str(partition)
    if offset is not None and offset != UNKNOWN:
        known["messaging.kafka.offset"] = offset
    return {name: fact for name, fact in known.items() if fact is not None}


def _send_id(value: Value) -> bytes:
    return span_id("send", *_place(value))


def _poll_id(value: Value, delivery: int) -> bytes:
    return span_id("poll", *_place(value), text(value, "groupId"), delivery)


def _place(value: Value) -> tuple[str | int | None, ...]:
    return text(value, "correlationId"), text(value, "topic"), whole(value, "partition"), whole(value, "offset")
