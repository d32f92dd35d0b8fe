"""An application with OpenTelemetry, and without interceptors, on a real broker: its messages are seen whole."""

import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from confluent_kafka import Consumer, Producer
from confluent_kafka.admin import AdminClient, NewTopic
from opentelemetry import propagate, trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import Link, SpanKind

from runners.kafka.broker import Broker
from runners.ports import free_ports
from tests.integration.aggregations import command, directly, settings, tracing_aggregator
from tests.integration.flink_processes import ROOT

pytestmark = pytest.mark.integration
TOPIC, GROUP, COUNT = "otel-orders", "otel-billing", 20
WITHIN_S = 60


@contextmanager
def receiving(given: dict[str, str]) -> Iterator[str]:
    """`ingest otlp`, in a process of its own; where it receives."""
    (port,) = free_ports(1)
    with subprocess.Popen(
        command("ingest", "otlp", "--port", str(port), given=given), cwd=ROOT, stderr=subprocess.PIPE
    ) as process:
        try:
            assert process.stderr is not None
            assert b"Ctrl-C ends it" in process.stderr.readline()
            yield f"http://127.0.0.1:{port}/v1/traces"
            process.send_signal(signal.SIGTERM)
            assert process.wait(WITHIN_S) == 0
            assert b"0 rejected" in process.stderr.read()
        finally:
            process.kill()


def attributes(operation: str, message, **more: str) -> dict:
    place = {"messaging.destination.partition.id": str(message.partition()), "messaging.kafka.offset": message.offset()}
    named = {"messaging.operation.type": operation, "messaging.destination.name": TOPIC}
    return {"messaging.system": "kafka", **named, **place, **more}


def send(servers: str, tracer: trace.Tracer) -> None:
    """As an instrumented producer does: a span lasts until the broker has answered, and its context is in a header."""
    producer = Producer({"bootstrap.servers": servers})
    for number in range(COUNT):
        span = tracer.start_span(f"send {TOPIC}", kind=SpanKind.PRODUCER)
        carrier: dict[str, str] = {}
        propagate.inject(carrier, trace.set_span_in_context(span))

        def delivered(error, message, span=span) -> None:
            assert error is None
            span.set_attributes(attributes("send", message, **{"messaging.client.id": "otel-shop"}))
            span.end()

        producer.produce(TOPIC, str(number), headers=carrier, on_delivery=delivered)
    assert producer.flush(WITHIN_S) == 0


def process(servers: str, tracer: trace.Tracer) -> None:
    """As an instrumented consumer does: a span for each message, linked to what is in its header; then a commit."""
    names = {"messaging.consumer.group.name": GROUP, "messaging.client.id": "otel-billing-1"}
    consumer = Consumer({"bootstrap.servers": servers, "group.id": GROUP, "auto.offset.reset": "earliest"})
    consumer.subscribe([TOPIC])
    messages = []
    deadline = time.monotonic() + WITHIN_S
    while len(messages) < COUNT:
        assert time.monotonic() < deadline
        messages += consumer.consume(COUNT, 0.5)
    for message in messages:
        carrier = {name: value.decode() for name, value in message.headers()}
        made = trace.get_current_span(propagate.extract(carrier)).get_span_context()
        with tracer.start_as_current_span(
            f"process {TOPIC}", kind=SpanKind.CONSUMER, attributes=attributes("process", message, **names),
            links=[Link(made)],
        ):  # fmt: skip
            pass
    with tracer.start_as_current_span(f"commit {TOPIC}", attributes=attributes("settle", messages[-1], **names)):
        consumer.commit(asynchronous=False)
    consumer.close()


def test_messages_of_an_application_with_opentelemetry_are_followed_to_their_commit(shared_broker: Broker, tmp_path):
    servers = shared_broker.bootstrap_servers
    given = settings(servers, "otel", tmp_path, tracing_topic="otel-tracing", retention_ms="3600000")
    tracing_aggregator("topics", given=given)
    admin = AdminClient({"bootstrap.servers": servers})
    [made] = admin.create_topics([NewTopic(TOPIC, 1, 1)]).values()
    made.result(WITHIN_S)
    with receiving(given) as address:
        provider = TracerProvider(resource=Resource({"service.name": "shop"}))
        provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(address)))
        tracer = provider.get_tracer("an application")
        send(servers, tracer)
        process(servers, tracer)
        provider.shutdown()
    found = directly(given)
    assert found.letters == {}
    names = {value["offset"]: value["correlationId"] for value in found.of("SEND")}
    assert names.keys() == set(range(COUNT))
    for kind in ("ACK", "CONSUME", "COMMIT"):
        assert {value["offset"]: value["correlationId"] for value in found.of(kind)} == names, kind
        assert all(value["durationMs"] >= 0 for value in found.of(kind))
    assert found.findings == {}
