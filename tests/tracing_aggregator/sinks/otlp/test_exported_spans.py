import hashlib
import uuid

import orjson
import pytest
from opentelemetry.semconv._incubating.attributes import messaging_attributes
from opentelemetry.semconv.schemas import Schemas

from pipeline.config.settings import Settings
from tests.tracing_aggregator.explain.cases import acked, at, committed, consumed, found, sent
from tracing_aggregator.sinks.otlp.exported_spans import OURS, SCHEMA_URL, ExportedSpan, Spans, trace_id
from tracing_aggregator.sinks.values import RefusedError
from transforms.input.dates import nanos_of
from transforms.input.records import KafkaRecord

ANOMALIES = "_traceAnomaly"


def maybe(value: object, topic: str = "_aggregatedTrace") -> ExportedSpan | None:
    return Spans(Settings()).of(KafkaRecord(topic, 0, 3, 7, b"{}", orjson.dumps(value)))


def span(value: object, topic: str = "_aggregatedTrace") -> ExportedSpan:
    made = maybe(value, topic)
    assert made is not None
    return made


def unacked(**known) -> dict:
    return found("unacked", clientId="p1", date=at(0), **known)


def test_a_message_is_a_send_a_poll_linked_to_it_and_a_commit_below_the_poll():
    send, poll, commit = span(acked()), span(consumed(durationMs=3200)), span(committed(durationMs=1000))
    assert [each.name for each in (send, poll, commit)] == ["send orders", "poll orders", "commit orders"]
    assert {each.trace_id for each in (send, poll, commit)} == {trace_id("c")}
    assert (send.parent, poll.parent, commit.parent) == (None, send.span_id, poll.span_id)
    assert (send.is_linked, poll.is_linked, commit.is_linked) == (False, True, False)
    assert [each.kind for each in (send, poll, commit)] == ["producer", "client", "client"]
    assert [(each.service, each.instance) for each in (send, poll)] == [("p1", "p1"), ("billing", "billing-1")]


def test_a_send_lasts_until_its_ack_and_polls_and_commits_are_instants():
    send = span(acked(12, durationMs=12))
    assert (send.start, send.end) == (nanos_of(at(0)), nanos_of(at(12)))
    for value in (consumed(), committed()):
        assert span(value).start == span(value).end == nanos_of(value["date"])


def test_what_the_producer_did_not_trace_has_no_parent():
    assert span(consumed()).parent is None
    assert span(committed()).parent is None


def test_a_trace_is_found_by_the_uuid_of_its_message():
    known = uuid.uuid4()
    assert span(acked(correlationId=str(known))).trace_id.hex() == known.hex
    assert trace_id("order 7") == hashlib.sha256(b"order 7").digest()[:16]
    assert any(trace_id(str(uuid.UUID(int=0))))


def test_the_same_message_has_the_same_ids_whenever_it_is_exported():
    first, again = span(consumed(durationMs=None)), span(consumed(durationMs=3200, revision=2))
    assert (first.trace_id, first.span_id) == (again.trace_id, again.span_id)


def test_deliveries_groups_topics_and_positions_have_spans_of_their_own():
    others = [
        consumed(),
        consumed(deliveryCount=2),
        consumed(group="audit"),
        consumed(topic="payments"),
        consumed(offset=43),
        consumed(partition=1),
        consumed(correlationId="d"),
        acked(),
        committed(),
    ]
    assert len({span(value).span_id for value in others}) == len(others)


def test_a_send_without_ack_is_a_failed_span_that_its_ack_would_replace():
    failed = span(unacked(), ANOMALIES)
    assert (failed.name, failed.error, failed.attributes["error.type"]) == ("send orders", "unacked", "unacked")
    assert failed.span_id == span(acked()).span_id
    assert maybe(unacked(resolved=True), ANOMALIES) is None
    assert maybe(found("lost"), ANOMALIES) is None


def test_a_send_that_failed_says_why():
    failed = span(acked(partition=-1, offset=-1, error="NOT_LEADER"))
    assert failed.error == failed.attributes["error.type"] == "NOT_LEADER"
    assert "messaging.kafka.offset" not in failed.attributes
    assert span(acked(partition=-1, offset=-1)).error == "send-failed"
    assert span(acked(offset=-1)).error == ""


@pytest.mark.parametrize("value", [sent(), committed(withdrawn=True), consumed(correlationId=None)])
def test_records_that_say_nothing_more_make_no_span(value):
    assert maybe(value) is None


@pytest.mark.parametrize("value", [acked(durationMs=-5), acked(date="1969-01-01T00:00:00Z")])
def test_no_span_ends_before_it_starts_or_starts_before_1970(value):
    assert 0 <= span(value).start <= span(value).end


def test_attributes_have_the_names_of_the_conventions():
    names = {name for value in vars(messaging_attributes).values() if isinstance(value, str) for name in [value]}
    attributes = span(consumed(durationMs=3200, cluster="eu")).attributes
    assert {name for name in attributes if not name.startswith(OURS)} <= names
    assert attributes == {
        "messaging.system": "kafka",
        "messaging.operation.name": "poll",
        "messaging.operation.type": "receive",
        "messaging.destination.name": "orders",
        "messaging.destination.partition.id": "0",
        "messaging.kafka.offset": 42,
        "messaging.client.id": "billing-1",
        "messaging.consumer.group.name": "billing",
        "messaging.message.conversation_id": "c",
        "kafka_tracing.cluster": "eu",
        "kafka_tracing.delivery_count": 1,
        "kafka_tracing.since_send_ms": 3200,
    }
    assert Schemas.V1_44_0.value == SCHEMA_URL


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (consumed(type="LISTEN"), "unknown-type"),
        (consumed(type=None), "missing-field"),
        (consumed(date="soon"), "wrong-field"),
        (consumed(offset="42"), "wrong-field"),
        (acked(durationMs=1.5), "wrong-field"),
        (consumed(groupId=None), "missing-field"),
    ],
)
def test_what_is_no_trace_is_refused_with_a_reason(value, reason):
    with pytest.raises(RefusedError) as refused:
        span(value)
    assert refused.value.reason == reason
