"""The OTLP/HTTP receiver, asked as OpenTelemetry's own SDK asks it, and by those who ask wrongly."""

import gzip
import threading
import time
from collections import Counter
from collections.abc import Sequence

import httpx
import orjson
import pytest
from google.protobuf.json_format import ParseDict
from opentelemetry.exporter.otlp.proto.http import Compression
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.trace import Link, SpanKind

from bench.dashboard.background import running
from tests.tracing_aggregator.ingest.requests import CONSUME, PLACE, SEND, any_span, request
from tracing_aggregator.ingest import receiver
from tracing_aggregator.ingest.deliver import NotDeliveredError
from tracing_aggregator.ingest.raw_traces import Consumption
from tracing_aggregator.ingest.receiver import Receiver
from tracing_aggregator.ingest.records import Record, Taken, Topics
from tracing_aggregator.ingest.spans import JSON, PROTOBUF
from tracing_aggregator.web.tokens import Tokens

TOKEN = "open-sesame"


class Kafka:
    """Keeps what is delivered, unless it is away."""

    def __init__(self) -> None:
        self.records: list[Record] = []
        self.is_away = False

    def __call__(self, records: Sequence[Record]) -> None:
        if self.is_away:
            raise NotDeliveredError("no broker")
        self.records += records


@pytest.fixture
def kafka() -> Kafka:
    return Kafka()


@pytest.fixture
def address(kafka):
    made = Receiver(Topics("_tracing", "_dead"), Consumption.PROCESS, kafka)
    with running(made.application(None)) as port:
        yield f"http://127.0.0.1:{port}"


def post(address: str, body: bytes, **headers: str) -> httpx.Response:
    named = {"Content-Type": JSON} | {name.replace("_", "-"): value for name, value in headers.items()}
    return httpx.post(f"{address}/v1/traces", content=body, headers=named)


@pytest.mark.parametrize("compression", [Compression.NoCompression, Compression.Gzip])
def test_spans_of_the_sdk_become_raw_traces(address, kafka, compression):
    exporter = OTLPSpanExporter(f"{address}/v1/traces", compression=compression)
    provider = TracerProvider(resource=Resource({"service.name": "shop"}))
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    tracer = provider.get_tracer("test")
    before = time.time_ns()
    with tracer.start_as_current_span("orders send", kind=SpanKind.PRODUCER, attributes=SEND | PLACE) as sent:
        pass
    with tracer.start_as_current_span("orders process", attributes=CONSUME, links=[Link(sent.get_span_context())]):
        pass
    provider.shutdown()
    values = [orjson.loads(record.value) for record in kafka.records]
    assert [value["type"] for value in values] == ["SEND", "ACK", "CONSUME"]
    [correlation] = {value["correlationId"] for value in values}
    assert correlation == f"{sent.context.trace_id:032x}-{sent.context.span_id:016x}"
    assert values[0]["date"] >= time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(before // 10**9))


def test_an_answer_speaks_as_it_was_spoken_to_and_tells_how_many_were_rejected(address):
    lacking = any_span(CONSUME | {"messaging.kafka.offset": -1})
    assert post(address, request(any_span(SEND))).json() == {}
    assert post(address, request(lacking, any_span(SEND))).json()["partialSuccess"]["rejectedSpans"] == "1"
    answer = post(address, b"", Content_Type=PROTOBUF)
    assert (answer.status_code, answer.headers["content-type"], answer.content) == (200, PROTOBUF, b"")
    message = ExportTraceServiceResponse.FromString(receiver._answer(PROTOBUF, 3).body)
    assert message.partial_success.rejected_spans == 3


def test_while_kafka_is_away_clients_are_told_to_send_again_and_nothing_counts(address, kafka):
    kafka.is_away = True
    answer = post(address, request(any_span(SEND)))
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
    assert 'outcome="taken"} 0.0' in httpx.get(f"{address}/metrics").text
    kafka.is_away = False
    assert post(address, request(any_span(SEND))).status_code == 200
    assert 'outcome="taken"} 1.0' in httpx.get(f"{address}/metrics").text
    assert httpx.get(f"{address}/healthz").text == "ok\n"


def test_what_is_no_otlp_is_refused_and_kept(address, kafka):
    assert post(address, b"{").status_code == 400
    [letter] = kafka.records
    assert letter.topic == "_dead"


@pytest.mark.parametrize(
    ("body", "headers", "status"),
    [
        (b"{}", {"Content_Type": "text/plain"}, 415),
        (b"{}", {"Content_Encoding": "br"}, 415),
        (b"no gzip", {"Content_Encoding": "gzip"}, 400),
        (b" " * (receiver.MAX_BODY_BYTES + 1), {}, 413),
        (gzip.compress(b" " * (receiver.MAX_PLAIN_BYTES + 1)), {"Content_Encoding": "gzip"}, 413),
    ],
    ids=["media type", "compression", "broken gzip", "too large", "too large once unpacked"],
)
def test_what_cannot_be_taken_is_refused_before_it_costs_anything(address, kafka, body, headers, status):
    assert post(address, body, **headers).status_code == status
    assert kafka.records == []


def test_a_body_that_does_not_come_is_not_waited_for(address, monkeypatch):
    monkeypatch.setattr(receiver, "BODY_WITHIN_S", 0.1)

    def slow():
        yield b"{"
        time.sleep(0.5)
        yield b"}"

    assert httpx.post(f"{address}/v1/traces", content=slow(), headers={"Content-Type": JSON}).status_code == 408


def test_with_a_token_only_who_knows_it_is_heard(kafka):
    made = Receiver(Topics("_tracing", "_dead"), Consumption.PROCESS, kafka)
    with running(made.application(Tokens(TOKEN))) as port:
        address = f"http://127.0.0.1:{port}"
        assert post(address, request(any_span(SEND))).status_code == 401
        assert post(address, request(any_span(SEND)), Authorization=f"Bearer {TOKEN}").status_code == 200


def test_a_foreign_page_cannot_reach_the_receiver_by_a_name_of_its_own(address):
    assert post(address, request(any_span(SEND)), Host="evil.example").status_code == 421


def test_probes_and_prometheus_need_no_token(kafka):
    made = Receiver(Topics("_tracing", "_dead"), Consumption.PROCESS, kafka)
    with running(made.application(Tokens(TOKEN))) as port:
        assert httpx.get(f"http://127.0.0.1:{port}/healthz").status_code == 200
        assert "kafka_trace_ingest_connections_refused" in httpx.get(f"http://127.0.0.1:{port}/metrics").text


def test_a_small_body_with_many_spans_is_refused_whole_and_makes_no_dead_letters(address, kafka, monkeypatch):
    monkeypatch.setattr(receiver, "MAX_SPANS", 3)
    lacking = any_span(CONSUME | {"messaging.kafka.offset": -1})
    answer = post(address, gzip.compress(request(*[lacking] * 4)), Content_Encoding="gzip")
    assert (answer.status_code, kafka.records) == (413, [])
    assert "at most 3 spans; this one has 4" in answer.text
    message = ParseDict({"resourceSpans": [{"scopeSpans": [{"spans": [{}] * 4}]}]}, ExportTraceServiceRequest())
    assert post(address, message.SerializeToString(), Content_Type=PROTOBUF).status_code == 413
    assert post(address, request(*[any_span(SEND)] * 3)).status_code == 200


def test_while_a_large_request_is_decoded_others_are_answered(address, monkeypatch):
    entered, leave = threading.Event(), threading.Event()

    def decode(*_):
        entered.set()
        assert leave.wait(20)
        return Taken([], Counter())

    monkeypatch.setattr(receiver, "taken", decode)
    slow = threading.Thread(target=post, args=(address, request(any_span(SEND))))
    slow.start()
    assert entered.wait(20)
    assert httpx.get(f"{address}/healthz").status_code == 200
    leave.set()
    slow.join(20)


@pytest.mark.parametrize("depth", [90, 2_000, 100_000])
def test_what_is_nested_deeply_costs_no_more_than_a_refusal(address, depth):
    value = b'{"arrayValue":{"values":[' * depth + b"]}}" * depth
    body = b'{"resourceSpans":[{"resource":{"attributes":[{"key":"k","value":' + value + b"}]}}]}"
    assert post(address, body).status_code in {200, 400}
    assert httpx.get(f"{address}/healthz").status_code == 200
