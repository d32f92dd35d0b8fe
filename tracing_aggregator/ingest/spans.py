"""Spans as plain records, from requests of the OTLP protocol in protobuf or JSON.

OTLP's JSON is protobuf's, but for trace and span ids, which are hexadecimal (OTLP 1.x, "JSON Protobuf Encoding").
"""

from base64 import b64encode
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import orjson
from google.protobuf import json_format  # type: ignore[import-untyped]
from google.protobuf.message import DecodeError  # type: ignore[import-untyped]
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.trace.v1 import trace_pb2

JSON = "application/json"
PROTOBUF = "application/x-protobuf"
_IDS = ("traceId", "spanId", "parentSpanId")
_KINDS = {trace_pb2.Span.SPAN_KIND_PRODUCER: "producer", trace_pb2.Span.SPAN_KIND_CONSUMER: "consumer"}

Value = str | int | float | bool | tuple[Any, ...] | None
Attributes = Mapping[str, Value]


class Link(NamedTuple):
    """A span that another one points to, with what the link says about it; ids in hex."""

    trace_id: str
    span_id: str
    attributes: Attributes


class Span(NamedTuple):
    """A span as far as messages are concerned; ids in hex, empty without one; instants in ns since the epoch.

    `kind` is `producer`, `consumer` or empty; `error` is None unless the span failed; `resource` describes the process,
    `scope` names what made the span.
    """

    trace_id: str
    span_id: str
    parent_id: str
    kind: str
    start: int
    end: int
    error: str | None
    attributes: Attributes
    links: tuple[Link, ...]
    resource: Attributes
    scope: str


class UndecodableError(ValueError):
    """The bytes are no request of this encoding."""


class TooManySpansError(ValueError):
    """A request has more spans than are taken at a time."""


def spans_of(body: bytes, encoding: str, most: int | None = None) -> Iterator[tuple[Span, bytes]]:
    """The spans in the body of a request, each with itself as OTLP JSON.

    Args:
        body: an `ExportTraceServiceRequest`, not compressed.
        encoding: `JSON` or `PROTOBUF`, the media types.
        most: so many spans may be in it; None: any number.

    Raises:
        UndecodableError: it is none; before the first span.
        TooManySpansError: there are more.
    """
    request = _from_json(body, most) if encoding == JSON else _from_protobuf(body)
    _count(sum(len(scope.spans) for group in request.resource_spans for scope in group.scope_spans), most)
    return (
        (_span(span, _attributes(group.resource.attributes), scope.scope.name), _as_json(span))
        for group in request.resource_spans
        for scope in group.scope_spans
        for span in scope.spans
    )


def _from_protobuf(body: bytes) -> ExportTraceServiceRequest:
    try:
        request: ExportTraceServiceRequest = ExportTraceServiceRequest.FromString(body)
    except DecodeError as error:
        raise UndecodableError(f"no ExportTraceServiceRequest in protobuf: {error}") from error
    return request


def _count(spans: int, most: int | None) -> None:
    if most is not None and spans > most:
        raise TooManySpansError(f"A request has at most {most} spans; this one has {spans}.")


def _from_json(body: bytes, most: int | None) -> ExportTraceServiceRequest:
    try:
        document = orjson.loads(body)
        spans = [
            span
            for group in document.get("resourceSpans", ())
            for scope in group.get("scopeSpans", ())
            for span in scope.get("spans", ())
        ]
        _count(len(spans), most)
        for span in spans:
            for carrier in (span, *span.get("links", ())):
                carrier |= {name: _base64(carrier[name]) for name in _IDS if name in carrier}
        request = ExportTraceServiceRequest()
        json_format.ParseDict(document, request, ignore_unknown_fields=True)
    except TooManySpansError:
        raise
    except (ValueError, AttributeError, TypeError, json_format.ParseError) as error:
        raise UndecodableError(f"no ExportTraceServiceRequest in JSON: {error}") from error
    return request


def _base64(hexadecimal: str) -> str:
    return b64encode(bytes.fromhex(hexadecimal)).decode("ascii")


def _as_json(span: trace_pb2.Span) -> bytes:
    document = json_format.MessageToDict(span)
    for carrier, message in ((document, span), *zip(document.get("links", ()), span.links, strict=True)):
        ids = (message.trace_id, message.span_id, getattr(message, "parent_span_id", b""))
        carrier |= {name: text.hex() for name, text in zip(_IDS, ids, strict=True) if text}
    return orjson.dumps(document)


def _span(span: trace_pb2.Span, resource: Attributes, scope: str) -> Span:
    attributes = _attributes(span.attributes)
    failed = span.status.code == trace_pb2.Status.STATUS_CODE_ERROR
    error = attributes.get("error.type")
    return Span(
        span.trace_id.hex(),
        span.span_id.hex(),
        span.parent_span_id.hex(),
        _KINDS.get(span.kind, ""),
        span.start_time_unix_nano,
        span.end_time_unix_nano,
        str(error or span.status.message or "unknown") if failed or error else None,
        attributes,
        tuple(Link(link.trace_id.hex(), link.span_id.hex(), _attributes(link.attributes)) for link in span.links),
        resource,
        scope,
    )


def _attributes(pairs: Iterator[KeyValue]) -> Attributes:
    return {pair.key: _value(pair.value) for pair in pairs}


def _value(value: AnyValue) -> Value:
    """Texts, numbers and lists of them; nothing about a message is a map or bytes."""
    kind = value.WhichOneof("value")
    if kind == "array_value":
        return tuple(_value(one) for one in value.array_value.values)
    known: Value = getattr(value, kind) if kind in {"string_value", "int_value", "double_value", "bool_value"} else None
    return known
