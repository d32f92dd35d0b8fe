"""For tests: OTLP requests in JSON, as the collector writes them."""

from typing import Any

import orjson

TRACE, SPAN, OTHER = "5b8efff798038103d269b633813fc60c", "eee19b7ec3c1b174", "00f067aa0ba902b7"
START, END = 1_767_225_600_123_456_789, 1_767_225_600_223_456_789  # 2026-01-01
SEND: dict[str, Any] = {
    "messaging.system": "kafka",
    "messaging.operation.type": "send",
    "messaging.destination.name": "orders",
    "messaging.client.id": "shop-1",
}
PLACE: dict[str, Any] = {"messaging.destination.partition.id": "2", "messaging.kafka.offset": 42}
CONSUME = SEND | PLACE | {"messaging.operation.type": "process", "messaging.consumer.group.name": "billing"}


def any_span(attributes: dict[str, Any], **fields: Any) -> dict[str, Any]:
    return {
        "traceId": TRACE,
        "spanId": SPAN,
        "name": "a span",
        "kind": 4,
        "startTimeUnixNano": str(START),
        "endTimeUnixNano": str(END),
        "attributes": pairs(attributes),
    } | fields


def link(attributes: dict[str, Any], span_id: str = OTHER) -> dict[str, Any]:
    return {"traceId": TRACE, "spanId": span_id, "attributes": pairs(attributes)}


def request(*spans: dict[str, Any], resource: dict[str, Any] | None = None, scope: str = "") -> bytes:
    scoped = {"scope": {"name": scope}, "spans": list(spans)}
    group = {"resource": {"attributes": pairs(resource or {})}, "scopeSpans": [scoped]}
    return orjson.dumps({"resourceSpans": [group]})


def pairs(attributes: dict[str, Any]) -> list[dict[str, Any]]:
    return [{"key": name, "value": any_value(value)} for name, value in attributes.items()]


def any_value(value: Any) -> dict[str, Any]:
    if isinstance(value, list):
        return {"arrayValue": {"values": [any_value(one) for one in value]}}
    return {"intValue": str(value)} if isinstance(value, int) else {"stringValue": value}
