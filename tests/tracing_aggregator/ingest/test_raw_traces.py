"""What spans of messaging say, under the names of old and new conventions, and why some say nothing."""

from base64 import b64decode
from typing import Any

import orjson
import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from tests.test_schemas import check
from tests.tracing_aggregator.ingest.requests import CONSUME, OTHER, PLACE, SEND, SPAN, TRACE, any_span, link, request
from tracing_aggregator.ingest.raw_traces import Consumption, RawTrace, Rejected, traces_of
from tracing_aggregator.ingest.spans import JSON, PROTOBUF, UndecodableError, spans_of
from tracing_aggregator.ingest.tracing_records import Topics, taken
from tracing_aggregator.sinks.otlp.encode import _SCOPE
from transforms.input.strict_parser import parse_trace
from transforms.input.traces import Trace

TOPICS = Topics("_tracing", "_traceDeadLetter")
NAME = f"{TRACE}-{SPAN}"
STARTED, ENDED = "2026-01-01T00:00:00.123456789Z", "2026-01-01T00:00:00.223456789Z"


def found(span: dict[str, Any], consumption: str = "process", **more: Any) -> Any:
    [(one, _)] = spans_of(request(span, **more), JSON)
    return traces_of(one, Consumption(consumption))


def values(span: dict[str, Any], consumption: str = "process", **more: Any) -> list[dict[str, Any]]:
    """The values of its traces, each of which the aggregator must take."""
    traces = found(span, consumption, **more)
    assert isinstance(traces, list)
    for trace in traces:
        assert isinstance(trace, RawTrace)
        check("raw-trace", trace.value, trace.key)
        parsed = parse_trace(orjson.dumps(trace.value), -1, 0)
        assert isinstance(parsed, Trace), parsed
    return [trace.value for trace in traces]


def test_a_send_that_knows_its_place_is_a_send_and_an_ack():
    assert values(any_span(SEND | PLACE)) == [
        {
            "id": f"{NAME}:send", "date": STARTED, "type": "SEND", "clientId": "shop-1", "topic": "orders",
            "correlationId": NAME,
        },
        {
            "id": f"{NAME}:ack", "date": ENDED, "type": "ACK", "clientId": "shop-1", "topic": "orders", "partition": 2,
            "offset": 42, "correlationId": NAME,
        },
    ]  # fmt: skip


def test_a_send_without_an_offset_is_a_send_alone():
    assert [value["type"] for value in values(any_span(SEND))] == ["SEND"]


@pytest.mark.parametrize(
    ("attributes", "status", "error"),
    [
        ({"error.type": "MSG_SIZE_TOO_LARGE"}, {}, "MSG_SIZE_TOO_LARGE"),
        ({}, {"code": 2, "message": "too large"}, "too large"),
        ({}, {"code": 2}, "unknown"),
    ],
)
def test_a_send_that_failed_is_acknowledged_nowhere_with_the_error(attributes, status, error):
    _, ack = values(any_span(SEND | PLACE | attributes, status=status))
    assert (ack["partition"], ack["offset"], ack["error"]) == (-1, -1, error)


def test_a_delivery_is_a_consume_of_what_its_only_link_created():
    [value] = values(any_span(CONSUME, links=[link({})], parentSpanId="aaaaaaaaaaaaaaaa"))
    assert value == {
        "id": f"{NAME}:consume", "date": STARTED, "type": "CONSUME", "clientId": "shop-1", "topic": "orders",
        "partition": 2, "offset": 42, "groupId": "billing", "correlationId": f"{TRACE}-{OTHER}",
    }  # fmt: skip


def test_without_a_link_the_parent_is_what_created_the_message_as_it_was_in_older_conventions():
    [value] = values(any_span(CONSUME, parentSpanId=OTHER))
    assert value["correlationId"] == f"{TRACE}-{OTHER}"


def test_a_message_without_a_context_is_known_by_the_span_alone():
    [value] = values(any_span(CONSUME))
    assert value["correlationId"] == NAME


def test_a_batch_has_a_consume_for_each_message_that_its_links_place():
    links = [link(PLACE | {"messaging.kafka.offset": offset}, f"{offset:016x}") for offset in (7, 8)]
    received = any_span(CONSUME | {"messaging.operation.type": "receive"}, links=links)
    told = values(received, "receive")
    assert [(value["id"][-2:], value["offset"], value["correlationId"][-1]) for value in told] == [
        (":0", 7, "7"), (":1", 8, "8"),
    ]  # fmt: skip


@pytest.mark.parametrize(("operation", "consumption"), [("receive", "process"), ("process", "receive")])
def test_only_one_kind_of_delivery_counts(operation, consumption):
    assert found(any_span(CONSUME | {"messaging.operation.type": operation}), consumption) is None


@pytest.mark.parametrize("operation", ["settle", "commit"])
def test_a_settlement_is_a_commit_at_the_messages_offset(operation):
    [value] = values(any_span(CONSUME | {"messaging.operation.type": operation}))
    assert (value["type"], value["offset"], value["date"], "correlationId" in value) == ("COMMIT", 42, ENDED, False)


OLD = {
    "messaging.system": "kafka",
    "messaging.destination": "orders",
    "messaging.operation": "process",
    "messaging.kafka.partition": 2,
    "messaging.kafka.message.offset": 42,
    "messaging.kafka.consumer_group": "billing",
    "messaging.kafka.client_id": "billing-1",
}
IN_BETWEEN = {
    "messaging.system": "kafka",
    "messaging.source.name": "orders",
    "messaging.operation": "deliver",
    "messaging.kafka.source.partition": 2,
    "messaging.kafka.message.offset": 42,
    "messaging.kafka.consumer.group": "billing",
    "messaging.consumer.id": "billing-1",
}
JAVA_AGENT = {
    "messaging.system": "kafka",
    "messaging.destination.name": "orders",
    "messaging.operation": "process",
    "messaging.destination.partition.id": "2",
    "messaging.kafka.message.offset": 42,
    "messaging.kafka.consumer.group": "billing",
    "messaging.client_id": "billing-1",
}
CONFLUENT_PYTHON = {
    "messaging.system": "kafka",
    "messaging.destination": "orders",
    "messaging.kafka.partition": 2,
    "messaging.message_id": "orders.2.42",
    "messaging.kafka.consumer_group": "billing",
    "messaging.kafka.client_id": "billing-1",
}


@pytest.mark.parametrize(
    "attributes",
    [OLD, IN_BETWEEN, JAVA_AGENT, CONFLUENT_PYTHON],
    ids=["1.11", "1.17", "Java agent", "confluent-kafka of Python"],
)
def test_every_generation_of_conventions_tells_the_same(attributes):
    [value] = values(any_span(attributes, kind=5))
    fields = ("type", "topic", "partition", "offset", "groupId", "clientId")
    assert [value[field] for field in fields] == ["CONSUME", "orders", 2, 42, "billing", "billing-1"]


@pytest.mark.parametrize(
    ("attributes", "correlation"),
    [
        ({"messaging.message.conversation_id": "order-7"}, "order-7"),
        ({"messaging.header.correlationId": ["a-header", "another"]}, "a-header"),
        ({"messaging.header.correlationId": []}, NAME),
    ],
)
def test_a_correlation_of_the_application_itself_comes_first(attributes, correlation):
    assert values(any_span(SEND | attributes))[0]["correlationId"] == correlation


def test_a_client_without_a_name_is_called_as_its_service():
    nameless = {name: value for name, value in SEND.items() if name != "messaging.client.id"}
    [value] = values(any_span(nameless), resource={"service.name": "shop"})
    assert value["clientId"] == "shop"
    assert found(any_span(nameless)).reason == "missing-field"


def test_spans_of_our_own_sink_do_not_come_round():
    assert found(any_span(SEND | PLACE), scope=_SCOPE.name) is None


@pytest.mark.parametrize(
    "attributes",
    [
        {"http.request.method": "GET"},
        SEND | {"messaging.system": "rabbitmq"},
        SEND | {"messaging.operation.type": "create"},
    ],
)
def test_spans_about_something_else_are_none_of_ours(attributes):
    assert found(any_span(attributes)) is None


@pytest.mark.parametrize(
    ("attributes", "fields", "detail"),
    [
        ({"messaging.destination.name": ""}, {}, "names no topic"),
        ({"messaging.kafka.offset": "x"}, {}, "lacks the message's partition or offset"),
        ({"messaging.kafka.offset": -1}, {}, "lacks the message's partition or offset"),
        ({"messaging.consumer.group.name": ""}, {}, "names no consumer group"),
        ({}, {"startTimeUnixNano": "0"}, "lacks its ids, its start or its end"),
        ({}, {"traceId": ""}, "lacks its ids, its start or its end"),
    ],
)
def test_a_delivery_that_lacks_something_is_rejected_with_the_reason(attributes, fields, detail):
    rejected = found(any_span(CONSUME | attributes, **fields))
    assert isinstance(rejected, Rejected)
    assert rejected.reason == "missing-field"
    assert detail in rejected.detail


def test_a_request_becomes_records_and_dead_letters_that_hold_the_span():
    lacking = any_span(CONSUME | {"messaging.kafka.offset": -1}, spanId=OTHER)
    result = taken(request(any_span(SEND), lacking, any_span({})), JSON, TOPICS, Consumption.PROCESS, 5)
    assert result.outcomes == {"taken": 1, "ignored": 1, "rejected": 1}
    sent, letter = result.records
    assert (sent.topic, orjson.loads(sent.key)) == ("_tracing", {"correlationId": NAME})
    assert letter.topic == "_traceDeadLetter"
    value = orjson.loads(letter.value)
    check("dead-letter", value, orjson.loads(letter.key))
    assert (value["reason"], value["id"]) == ("otlp-missing-field", f"otlp/{TRACE}-{OTHER}/-1/-1")
    assert f'"spanId":"{OTHER}"' in b64decode(value["value"]).decode()


def test_protobuf_says_the_same_as_json():
    body = request(any_span(CONSUME, links=[link(PLACE)], parentSpanId=OTHER), resource={"service.name": "s"})
    [(span, as_json)] = spans_of(body, JSON)
    message = ExportTraceServiceRequest()
    # The JSON of a span that was read is OTLP again: ids in hex.
    again = orjson.dumps({"resourceSpans": [{"scopeSpans": [{"spans": [orjson.loads(as_json)]}]}]})
    [(same, _)] = spans_of(again, JSON)
    assert same == span._replace(resource={})
    group = message.resource_spans.add()
    one = group.scope_spans.add().spans.add(
        trace_id=bytes.fromhex(TRACE), span_id=bytes.fromhex(SPAN), start_time_unix_nano=span.start, kind=5
    )
    one.attributes.add(key="n").value.int_value = 7
    [(decoded, _)] = spans_of(message.SerializeToString(), PROTOBUF)
    assert (decoded.trace_id, decoded.kind, decoded.attributes) == (TRACE, "consumer", {"n": 7})


@pytest.mark.parametrize(
    ("body", "encoding"),
    [
        (b"{", JSON),
        (b"[]", JSON),
        (b'{"resourceSpans":[{"scopeSpans":[{"spans":[{"traceId":"no hex"}]}]}]}', JSON),
        (b'{"resourceSpans":[{"scopeSpans":[{"spans":[7]}]}]}', JSON),
        (b'{"resourceSpans":"x"}', JSON),
        (b"\xff\xff\xff", PROTOBUF),
    ],
)
def test_what_is_no_request_is_told_and_kept(body, encoding):
    with pytest.raises(UndecodableError):
        spans_of(body, encoding)
    result = taken(body, encoding, TOPICS, Consumption.PROCESS, 5)
    assert result.outcomes == {"undecodable": 1}
    [letter] = result.records
    assert orjson.loads(letter.value)["reason"] == "otlp-not-otlp"
