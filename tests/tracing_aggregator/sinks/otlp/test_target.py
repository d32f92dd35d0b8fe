"""The target and a receiver, with answers that a real one gives only when it is in trouble."""

import gzip
from collections import Counter

import orjson
import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTracePartialSuccess,
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

from pipeline.config.settings import Settings
from pipeline.errors import UserError
from tests.tracing_aggregator.explain.cases import acked, consumed
from tests.tracing_aggregator.sinks.scripted_server import Answer, Asked, Script, scripted
from tests.tracing_aggregator.sinks.test_retry import Pauses, persistence
from tracing_aggregator.sinks.otlp.target import Otlp
from transforms.input.records import KafkaRecord

FINE = Answer()


def record(offset: int, value: dict) -> KafkaRecord:
    return KafkaRecord("_aggregatedTrace", 0, offset, 1, b"k", orjson.dumps(value))


def requested(asked: Asked) -> ExportTraceServiceRequest:
    return ExportTraceServiceRequest.FromString(gzip.decompress(asked.body))


def spans_of(asked: Asked) -> list[Span]:
    return [span for group in requested(asked).resource_spans for scope in group.scope_spans for span in scope.spans]


def write(server: Script, *values: dict, **settings):
    tally: Counter[str] = Counter()
    target = Otlp(Settings(otlp_url=server.url, **settings))
    letters = target.write([record(*each) for each in enumerate(values)], persistence(Pauses()), tally)
    return letters, tally


def test_spans_go_out_in_one_request_with_a_resource_for_each_client():
    with scripted(FINE) as server:
        values = acked(), acked(offset=43), consumed(durationMs=3200), acked(partition=-1, error="NOT_LEADER")
        letters, tally = write(server, *values, otlp_headers="Authorization=Bearer abc")
    assert (letters, tally) == ([], {"spans written": 4})
    [asked] = server.asked
    assert (asked.path, asked.headers["Content-Type"]) == ("/v1/traces", "application/x-protobuf")
    assert asked.headers["Authorization"] == "Bearer abc"
    resources = [
        {pair.key: pair.value.string_value for pair in group.resource.attributes}
        for group in requested(asked).resource_spans
    ]
    assert resources == [
        {"service.name": "p1", "service.instance.id": "p1"},
        {"service.name": "billing", "service.instance.id": "billing-1"},
    ]
    send, _, failed, poll = spans_of(asked)
    assert (send.kind, poll.kind) == (Span.SPAN_KIND_PRODUCER, Span.SPAN_KIND_CLIENT)
    assert (poll.parent_span_id, poll.links[0].span_id, poll.links[0].trace_id) == (
        send.span_id, send.span_id, send.trace_id
    )  # fmt: skip
    assert (failed.status.code, failed.status.message) == (Status.STATUS_CODE_ERROR, "NOT_LEADER")
    assert send.status.code == Status.STATUS_CODE_UNSET


def test_of_one_span_in_hand_the_newest_word_goes_out_once():
    with scripted(FINE) as server:
        write(server, consumed(), consumed(durationMs=3200, revision=2))
    [span] = spans_of(server.asked[0])
    assert len(span.links) == 1


def test_it_tries_again_while_the_receiver_is_busy():
    with scripted(Answer(503), Answer(429), FINE) as server:
        assert write(server, acked())[1] == {"spans written": 1}
    # The head of gzip has the time of day.
    assert len({gzip.decompress(asked.body) for asked in server.asked}) == 1 < len(server.asked) == 3


def test_a_span_that_the_receiver_refuses_becomes_a_dead_letter_and_the_others_go_through():
    with scripted(Answer(400, b"bad"), FINE, Answer(400, b"bad"), Answer(400, b"bad"), FINE) as server:
        letters, tally = write(server, *(acked(offset=at) for at in range(3)))
    assert tally == {"spans written": 2}
    [letter] = letters
    assert (letter.record.offset, letter.reason, letter.detail) == (1, "rejected-by-otlp", "400 bad")


def test_what_a_receiver_drops_is_counted_and_not_sent_again():
    partial = ExportTracePartialSuccess(rejected_spans=1, error_message="too old")
    with scripted(Answer(body=ExportTraceServiceResponse(partial_success=partial).SerializeToString())) as server:
        letters, tally = write(server, acked(), acked(offset=43))
    assert (letters, tally) == ([], {"spans written": 1, "spans that the receiver dropped": 1})
    assert len(server.asked) == 1


def test_an_address_that_knows_no_spans_ends_it_at_the_beginning():
    with scripted(Answer(404, b"no")) as server, pytest.raises(UserError, match=r"404 no\notlp\.url is"):
        Otlp(Settings(otlp_url=server.url)).begin(persistence(Pauses()))


def test_records_of_no_span_ask_nothing_and_junk_is_a_dead_letter():
    with scripted(FINE) as server:
        letters, tally = write(server, {"type": "SEND"}, {"type": "LISTEN"})
    assert ([letter.reason for letter in letters], tally, server.asked) == (["unknown-type"], {}, [])
