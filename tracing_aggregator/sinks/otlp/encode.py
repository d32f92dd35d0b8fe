"""Spans as requests of OTLP, in protobuf."""

from collections import defaultdict
from collections.abc import Iterable

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, InstrumentationScope, KeyValue
from opentelemetry.proto.resource.v1.resource_pb2 import Resource
from opentelemetry.proto.trace.v1 import trace_pb2 as trace

from tracing_aggregator.sinks.otlp.spans import CLIENT, PRODUCER, SCHEMA_URL, Attributes, Span

_KINDS = {CLIENT: trace.Span.SPAN_KIND_CLIENT, PRODUCER: trace.Span.SPAN_KIND_PRODUCER}
_SCOPE = InstrumentationScope(name="tracing-aggregator")


def request_of(spans: Iterable[Span]) -> bytes:
    """One request for these spans; those of one client share a resource."""
    by_client: dict[tuple[str, str], list[trace.Span]] = defaultdict(list)
    for span in spans:
        by_client[span.service, span.instance].append(_encoded(span))
    request = ExportTraceServiceRequest(
        resource_spans=[
            trace.ResourceSpans(
                resource=Resource(
                    attributes=_pairs({"service.name": service, "service.instance.id": instance}),
                ),
                scope_spans=[trace.ScopeSpans(scope=_SCOPE, spans=members, schema_url=SCHEMA_URL)],
                schema_url=SCHEMA_URL,
            )
            for (service, instance), members in by_client.items()
        ]
    )
    encoded: bytes = request.SerializeToString()
    return encoded


def rejected(answer: bytes) -> tuple[int, str]:
    """How many spans the receiver did not take, and what it says. Raises ValueError if it is no answer of OTLP."""
    try:
        partial = ExportTraceServiceResponse.FromString(answer).partial_success
    except Exception as error:
        raise ValueError(str(error)) from error
    return partial.rejected_spans, partial.error_message


def _encoded(span: Span) -> trace.Span:
    links = [trace.Span.Link(trace_id=span.trace_id, span_id=span.parent)] if span.parent and span.is_linked else []
    failed = trace.Status(code=trace.Status.STATUS_CODE_ERROR, message=span.error)
    return trace.Span(
        trace_id=span.trace_id,
        span_id=span.span_id,
        parent_span_id=span.parent or b"",
        name=span.name,
        kind=_KINDS[span.kind],
        start_time_unix_nano=span.start,
        end_time_unix_nano=span.end,
        attributes=_pairs(span.attributes),
        links=links,
        status=failed if span.error else None,
    )


def _pairs(attributes: Attributes) -> list[KeyValue]:
    return [
        KeyValue(key=name, value=AnyValue(int_value=fact) if isinstance(fact, int) else AnyValue(string_value=fact))
        for name, fact in attributes.items()
    ]
