"""ParseTraces: strict validation, before any state.

In: records of the tracing topic. Out: `Trace` on the main output; `DeadLetter` on `dead_letters` for every record that
is not a valid trace, with its bytes and the reason; traces of topics that are not followed are counted and dropped.
"""

from collections.abc import Callable, Iterator
from typing import Any

import apache_beam as beam
import orjson
from apache_beam import pvalue

from transforms import counters
from transforms.dates import NANOS_PER_MILLI, nanos_of
from transforms.dead_letters import DeadLetter
from transforms.records import (
    ACK,
    COMMIT,
    CONSUME,
    LARGEST_OFFSET,
    LARGEST_PARTITION,
    LATEST_TIMESTAMP,
    NO_GROUP,
    SEND,
    UNKNOWN,
    KafkaRecord,
    Trace,
)

DEAD_LETTERS = "dead_letters"
#: The record that `run` writes to an empty partition so that its watermark can move; it is no trace.
HEARTBEAT_KEY = b"tracing-aggregator:heartbeat"

#: A trace is some 200 bytes; what is larger than this is not one.
MAX_VALUE_BYTES = 16 * 1024
MAX_TEXT_LENGTH = 1024
MAX_TOPIC_LENGTH = 249
_EARLIEST_NANOS = nanos_of("2000-01-01T00:00:00Z")

#: Which phase knows what: (has a position, has a groupId, must have a correlationId). A CONSUME may lack its groupId.
_PHASES = {
    SEND: (False, False, True),
    ACK: (True, False, False),
    CONSUME: (True, True, True),
    COMMIT: (True, True, False),
}
_KNOWN_FIELDS = frozenset(
    {"id", "topic", "partition", "offset", "correlationId", "date", "type", "clientId", "groupId"}
)
#: Fields that only we write: an input that carries them must not speak for us.
_OUR_FIELDS = frozenset({"durationMs", "deliveryCount", "settledBy", "repeated", "withdrawn", "revision", "cluster"})


class _RefusedError(Exception):
    """Why a record is not a trace: reason and detail."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason
        self.detail = detail


def parse_trace(record: KafkaRecord, max_ahead_ms: int) -> Trace | DeadLetter:
    """The trace in a record of the tracing topic, or the dead letter that the record becomes.

    A date may lie at most `max_ahead_ms` after the record's own timestamp.
    """
    try:
        return _parse(record, max_ahead_ms)
    except _RefusedError as refused:
        return DeadLetter(KafkaRecord(*record[:6]), refused.reason, refused.detail)


def _parse(record: KafkaRecord, max_ahead_ms: int) -> Trace:
    document = _document(record.value)
    get = document.get
    phase = get("type")
    if type(phase) is not str or phase not in _PHASES:
        raise _RefusedError("unknown-type", f"type is {phase!r:.100}; known are {', '.join(_PHASES)}")
    has_position, has_group, needs_correlation = _PHASES[phase]
    date = _text("date", get("date"))
    nanos = _instant(date)
    timestamp = record.timestamp if record.timestamp >= 0 else nanos // NANOS_PER_MILLI
    if timestamp > LATEST_TIMESTAMP:
        raise _RefusedError("timestamp-out-of-range", f"the record's timestamp, {timestamp} ms, is after the year 2200")
    if not _EARLIEST_NANOS <= nanos < (timestamp + max_ahead_ms + 1) * NANOS_PER_MILLI:
        raise _RefusedError("date-out-of-range", _out_of_range(date, timestamp, max_ahead_ms))
    partition = offset = UNKNOWN
    if has_position:
        partition = _number("partition", get("partition"), UNKNOWN if phase == ACK else 0, LARGEST_PARTITION)
        offset = _number("offset", get("offset"), 0 if phase == CONSUME else UNKNOWN, LARGEST_OFFSET)
        if partition == UNKNOWN and offset != UNKNOWN:
            raise _RefusedError("wrong-field", f"offset {offset} without a partition")
    correlation = get("correlationId")
    if needs_correlation or correlation is not None:
        correlation = _text("correlationId", correlation)
    group = get("groupId") if has_group else None
    if has_group:
        group = NO_GROUP if phase == CONSUME and (group is None or group == NO_GROUP) else _text("groupId", group)
    return Trace(
        phase,
        _text("id", get("id")),
        date,
        _text("clientId", get("clientId")),
        _text("topic", get("topic"), MAX_TOPIC_LENGTH),
        partition,
        offset,
        group,
        correlation,
        timestamp,
        None if document.keys() <= _KNOWN_FIELDS else _extra(document),
        nanos,
    )


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


class ParseTraces(beam.PTransform):
    """See the head of this file. `follows` says whether the traces of a topic are wanted."""

    def __init__(self, max_ahead_ms: int, follows: Callable[[str], bool] | None = None) -> None:
        super().__init__()
        self._max_ahead_ms = max_ahead_ms
        self._follows = follows

    def expand(self, records: beam.PCollection) -> dict[str, beam.PCollection]:
        """Both outputs, by name."""
        parsed = records | "ParseRecord" >> beam.ParDo(_ParseRecord(self._max_ahead_ms, self._follows)).with_outputs(
            DEAD_LETTERS, main="traces"
        )
        return {"traces": parsed.traces, DEAD_LETTERS: parsed[DEAD_LETTERS]}


class _ParseRecord(beam.DoFn):
    def __init__(self, max_ahead_ms: int, follows: Callable[[str], bool] | None) -> None:
        self._max_ahead_ms = max_ahead_ms
        self._follows = follows

    def process(self, record: Any) -> Iterator[Any]:
        if record.key == HEARTBEAT_KEY and record.value is None:
            return
        counters.RECEIVED.inc()
        parsed = parse_trace(record, self._max_ahead_ms)
        if isinstance(parsed, DeadLetter):
            counters.DEAD_LETTERED.inc()
            yield pvalue.TaggedOutput(DEAD_LETTERS, parsed)
        elif self._follows is None or self._follows(parsed.topic):
            counters.PARSED.inc()
            yield parsed
        else:
            counters.NOT_FOLLOWED.inc()
