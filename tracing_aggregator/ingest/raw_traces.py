"""Raw traces from spans of messaging, by plain functions. The same span always gives the same ids.

| operation | raw traces |
|---|---|
| send, publish | SEND at its start; ACK at its end, if it says where the message lies, or that it failed |
| receive, poll or process, deliver | CONSUME at its start, one for each message that it names |
| settle, commit | COMMIT at its end |

A span that tells of a message and lacks what its traces need is rejected, with the reason; any other is none of ours.
"""

from collections.abc import Iterator
from enum import Enum
from typing import Any, NamedTuple

from tracing_aggregator.ingest.conventions import (
    CLIENT,
    CORRELATION,
    GROUP,
    PROCESS,
    TOPIC,
    Operation,
    operation_of,
    position,
    text,
)
from tracing_aggregator.ingest.spans import Attributes, Span
from transforms.input.dates import date_of_nanos
from transforms.input.records import ACK, COMMIT, CONSUME, SEND, UNKNOWN

_NANOSECONDS = 9
#: The scope of spans that `sink otlp` makes of aggregated traces: they must not come round.
OURS = "tracing-aggregator"


class RawTrace(NamedTuple):
    """A record for the tracing topic; docs/wire-format.md describes both parts."""

    key: dict[str, Any]
    value: dict[str, Any]


class Rejected(NamedTuple):
    """Why a span of messaging gives no traces: a reason to count by, and a sentence."""

    reason: str
    detail: str


class Consumption(Enum):
    """Which spans are deliveries. Where both kinds exist, each message has one of each: only one may count."""

    PROCESS = "process"
    RECEIVE = "receive"


class _RejectedError(Exception):
    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(detail)
        self.why = Rejected(reason, detail)


def traces_of(span: Span, consumption: Consumption = Consumption.PROCESS) -> list[RawTrace] | Rejected | None:
    """The raw traces of a span; why it was rejected; or None if it is not about a message."""
    operation = None if span.scope == OURS else operation_of(span)
    make = {
        Operation.SEND: _sent,
        Operation.RECEIVE: _consumed if consumption is Consumption.RECEIVE else None,
        Operation.PROCESS: _consumed if consumption is Consumption.PROCESS else None,
        Operation.SETTLE: _committed,
        None: None,
    }[operation]
    if make is None:
        return None
    if not (span.trace_id and span.span_id and span.start and span.end):
        return Rejected("missing-field", "the span lacks its ids, its start or its end")
    try:
        return list(make(span))
    except _RejectedError as rejected:
        return rejected.why


def _sent(span: Span) -> Iterator[RawTrace]:
    correlation = text(span.attributes, CORRELATION) or f"{span.trace_id}-{span.span_id}"
    topic = _needed(span.attributes, TOPIC, "topic")
    yield _trace(span, SEND, span.start, {"correlationId": correlation}, topic=topic)
    partition, offset = position(span.attributes)
    failed = {} if span.error is None else {"error": span.error[:1024]}
    if failed:
        partition = offset = UNKNOWN
    if partition is not None and offset is not None:
        key = {"topic": topic, "partition": partition, "offset": offset}
        yield _trace(span, ACK, span.end, key, correlationId=correlation, **failed)


def _consumed(span: Span) -> Iterator[RawTrace]:
    """A batch says what it has in common in the span, and which messages it holds in its links."""
    batch = [link for link in span.links if position(link.attributes)[1] is not None]
    for number, link in enumerate(batch):
        attributes = {**span.attributes, **link.attributes}
        creation = f"{link.trace_id}-{link.span_id}"
        yield _delivery(span, attributes, creation, f":{number}")
    if not batch:
        # The message's own context: linked by newer instrumentations, the parent in older ones.
        parent = f"{span.trace_id}-{span.parent_id or span.span_id}"
        creation = f"{span.links[0].trace_id}-{span.links[0].span_id}" if len(span.links) == 1 else parent
        yield _delivery(span, span.attributes, creation, "")


def _delivery(span: Span, attributes: Attributes, creation: str, part: str) -> RawTrace:
    correlation = text(attributes, CORRELATION) or creation
    return _trace(span, CONSUME, span.start, _place(attributes), part, correlationId=correlation)


def _committed(span: Span) -> Iterator[RawTrace]:
    yield _trace(span, COMMIT, span.end, _place(span.attributes))


def _place(attributes: Attributes) -> dict[str, Any]:
    """The key of a trace of a group."""
    topic = _needed(attributes, TOPIC, "topic")
    partition, offset = position(attributes)
    if partition is None or offset is None:
        raise _RejectedError("missing-field", "the span lacks the message's partition or offset")
    return {
        "topic": topic,
        "partition": partition,
        "offset": offset,
        "groupId": _needed(attributes, GROUP, "consumer group"),
    }


def _trace(span: Span, phase: str, at: int, key: dict[str, Any], part: str = "", **more: str) -> RawTrace:
    client = text(span.attributes, CLIENT) or text(span.resource, PROCESS)
    if not client:
        raise _RejectedError("missing-field", "neither the span names its client nor its resource the service")
    value = {
        "id": f"{span.trace_id}-{span.span_id}:{phase.lower()}{part}",
        "date": date_of_nanos(at, _NANOSECONDS),
        "type": phase,
        "clientId": client,
    }
    return RawTrace(key, {**value, **key, **more})


def _needed(attributes: Attributes, names: tuple[str, ...], what: str) -> str:
    if found := text(attributes, names):
        return found
    raise _RejectedError("missing-field", f"the span names no {what} ({' or '.join(names)})")
