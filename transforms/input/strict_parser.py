"""One raw trace, looked at field by field: this says what a trace is, and why something is none."""

from typing import Any, NamedTuple

import orjson

from transforms.input.dates import NANOS_PER_MILLI, nanos_of
from transforms.input.records import (
    ACK,
    COMMIT,
    CONSUME,
    LARGEST_OFFSET,
    LARGEST_PARTITION,
    LATEST_TIMESTAMP,
    NO_GROUP,
    SEND,
    UNKNOWN,
)
from transforms.input.traces import MAX_TEXT_LENGTH, MAX_TOPIC_LENGTH, Ack, Commit, Consume, Send, Trace

#: A trace is some 200 bytes; what is larger than this is not one.
MAX_VALUE_BYTES = 16 * 1024
_EARLIEST_NANOS = nanos_of("2000-01-01T00:00:00Z")


class _Phase(NamedTuple):
    """Which phase knows what."""

    make: type[Send | Ack | Consume | Commit]
    has_position: bool
    has_group: bool
    needs_correlation: bool


_PHASES = {
    SEND: _Phase(Send, has_position=False, has_group=False, needs_correlation=True),
    ACK: _Phase(Ack, has_position=True, has_group=False, needs_correlation=False),
    CONSUME: _Phase(Consume, has_position=True, has_group=True, needs_correlation=True),
    COMMIT: _Phase(Commit, has_position=True, has_group=True, needs_correlation=False),
}
_KNOWN_FIELDS = frozenset(
    {"id", "topic", "partition", "offset", "correlationId", "date", "type", "clientId", "groupId"}
)
#: Fields that only we write: an input that carries them must not speak for us.
_OUR_FIELDS = frozenset({"durationMs", "deliveryCount", "settledBy", "repeated", "withdrawn", "revision", "cluster"})
_RECORD_TIMESTAMP = "recordTimestamp"


class Refused(NamedTuple):
    """Why a value is no trace. `reason` is one of a few words to count by, `detail` says it to a person."""

    reason: str
    detail: str


class _RefusedError(Exception):
    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(detail)
        self.refused = Refused(reason, detail)


def parse_trace(value: bytes | None, timestamp: int, max_ahead_ms: int) -> Trace | Refused:
    """The trace in the value of a record with this timestamp (ms, negative if it has none), or why it is none.

    A date may lie at most `max_ahead_ms` after the record's own timestamp.
    """
    try:
        return _parse(value, timestamp, max_ahead_ms)
    except _RefusedError as error:
        return error.refused


def _parse(value: bytes | None, timestamp: int, max_ahead_ms: int) -> Trace:
    document = _document(value)
    get = document.get
    phase = get("type")
    if type(phase) is not str or phase not in _PHASES:
        raise _RefusedError("unknown-type", f"type is {phase!r:.100}; known are {', '.join(_PHASES)}")
    make, has_position, has_group, needs_correlation = _PHASES[phase]
    date = _text("date", get("date"))
    nanos = _instant(date)
    timestamp = timestamp if timestamp >= 0 else nanos // NANOS_PER_MILLI
    if timestamp > LATEST_TIMESTAMP:
        raise _RefusedError("timestamp-out-of-range", f"the record's timestamp, {timestamp} ms, is after the year 2200")
    if not _EARLIEST_NANOS <= nanos < (timestamp + max_ahead_ms + 1) * NANOS_PER_MILLI:
        raise _RefusedError("date-out-of-range", _out_of_range(date, timestamp, max_ahead_ms))
    own: dict[str, Any] = {}
    if has_position:
        own |= _position(phase, get("partition"), get("offset"))
    correlation = get("correlationId")
    if needs_correlation or correlation is not None:
        own["correlation_id"] = _text("correlationId", correlation)
    own["id"] = _text("id", get("id"))
    own["client_id"] = _text("clientId", get("clientId"))
    own["topic"] = _text("topic", get("topic"), MAX_TOPIC_LENGTH)
    group = get("groupId")
    if has_group and not (phase == CONSUME and (group is None or group == NO_GROUP)):
        own["group_id"] = _text("groupId", group)
    if not document.keys() <= _KNOWN_FIELDS:
        own["extra"] = _extra(document)
        own["record_timestamp"] = _record_timestamp(get(_RECORD_TIMESTAMP))
    return make(date=date, nanos=nanos, timestamp=timestamp, **own)


def _position(phase: str, partition: Any, offset: Any) -> dict[str, int]:
    partition = _number("partition", partition, UNKNOWN if phase == ACK else 0, LARGEST_PARTITION)
    offset = _number("offset", offset, 0 if phase == CONSUME else UNKNOWN, LARGEST_OFFSET)
    if partition == UNKNOWN and offset != UNKNOWN:
        raise _RefusedError("wrong-field", f"offset {offset} without a partition")
    return {"partition": partition, "offset": offset}


def _record_timestamp(said: Any) -> int:
    return said if type(said) is int and 0 <= said <= LARGEST_OFFSET else UNKNOWN


def _out_of_range(date: str, timestamp: int, max_ahead_ms: int) -> str:
    return f"{date} is before the year 2000, or more than {max_ahead_ms} ms after the record's timestamp {timestamp}"


def _document(value: bytes | None) -> dict[str, Any]:
    if not value:
        raise _RefusedError("no-value", "the record has no value")
    if len(value) > MAX_VALUE_BYTES:
        raise _RefusedError("too-large", f"{len(value)} bytes; a trace has at most {MAX_VALUE_BYTES}")
    try:
        document = orjson.loads(value)
    except orjson.JSONDecodeError as error:
        raise _RefusedError("not-json", str(error)) from None
    if type(document) is not dict:
        raise _RefusedError("not-an-object", f"the value is a JSON {type(document).__name__}")
    return document


def _instant(date: str) -> int:
    try:
        return nanos_of(date)
    except ValueError:
        raise _RefusedError(
            "wrong-field", f"date is {date!r:.100}; it must be ISO-8601 in UTC, as 2020-03-25T15:41:01.365287Z"
        ) from None


def _text(name: str, text: Any, max_length: int = MAX_TEXT_LENGTH) -> str:
    if type(text) is str and 0 < len(text) <= max_length:
        return text
    if type(text) is str and text:
        raise _RefusedError("wrong-field", f"{name} has {len(text)} characters; at most {max_length} are taken")
    raise _RefusedError(
        "missing-field" if text is None else "wrong-field", f"{name} is {text!r:.100}; it must be a text"
    )


def _number(name: str, number: Any, low: int, high: int) -> int:
    if type(number) is int and low <= number <= high:
        return number
    reason = "missing-field" if number is None else "wrong-field"
    raise _RefusedError(reason, f"{name} is {number!r:.100}; it must be a whole number from {low} to {high}")


def _extra(document: dict[str, Any]) -> dict[str, Any] | None:
    """The fields to pass through: all that are neither read by us nor ours to write."""
    extra = {name: document[name] for name in document if name not in _KNOWN_FIELDS and name not in _OUR_FIELDS}
    try:
        orjson.dumps([[[[extra]]]])  # it must fit into a snapshot, and JSON is read deeper than it is written
    except orjson.JSONEncodeError as error:
        raise _RefusedError("too-deep", str(error)) from None
    return extra or None
