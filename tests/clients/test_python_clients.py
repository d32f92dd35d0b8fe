"""The Python clients on a cluster: the application sees no difference, and the traces are as they should be."""

import re
import time
import uuid

import pytest
from confluent_kafka import Consumer, KafkaException, Producer, TopicPartition

from tests.clients.mock_cluster import QUIET, WITHIN_S, mock_cluster, raw_traces, wait_until
from tracing_clients import TracingConsumer, TracingProducer
from tracing_clients.transactions import group_of

DATE = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z")
PLACE = {"topic", "partition", "offset"}
COMMON = {"id", "date", "type", "clientId", "topic"}


@pytest.fixture
def servers():
    with mock_cluster() as servers:
        yield servers


def producer_on(servers, kind=TracingProducer, **more):
    return kind(QUIET | {"bootstrap.servers": servers, "client.id": "shop"} | more)


def consumer_on(servers, kind=TracingConsumer, **more):
    own = {"bootstrap.servers": servers, "client.id": "biller", "group.id": "billing", "auto.offset.reset": "earliest"}
    return kind(QUIET | own | {"enable.auto.commit": False} | more)


def produce(servers, count, **more):
    with producer_on(servers) as producer:
        for number in range(count):
            producer.produce("orders", str(number), partition=0, **more)
        assert producer.flush(WITHIN_S) == 0


def read(consumer, count):
    found = []
    deadline = time.monotonic() + WITHIN_S
    while len(found) < count and time.monotonic() < deadline:
        found += consumer.consume(count - len(found), 0.5)
    assert [message.error() for message in found] == [None] * count
    return found


def of(kind, traces):
    return [(key, value) for key, value in traces if value["type"] == kind]


def test_a_message_that_is_sent_has_a_send_and_an_ack_that_name_it(servers):
    produce(servers, 1)
    traces = raw_traces(servers)
    [(send_key, send)], [(ack_key, ack)] = of("SEND", traces), of("ACK", traces)
    assert send_key == {"correlationId": send["correlationId"]}
    assert send.keys() == COMMON | {"correlationId"}
    assert ack_key == {"topic": "orders", "partition": 0, "offset": 0}
    assert ack.keys() == COMMON | PLACE | {"correlationId", "recordTimestamp"}
    assert ack["correlationId"] == send["correlationId"]
    assert (send["clientId"], send["topic"]) == ("shop", "orders")
    assert all(DATE.fullmatch(trace["date"]) for trace in (send, ack))
    assert send["date"] <= ack["date"]
    assert {uuid.UUID(trace["id"]).version for trace in (send, ack)} == {4}


def test_the_header_reaches_the_consumer_and_its_traces(servers):
    produce(servers, 2, headers={"shop": b"berlin"})
    consumer = consumer_on(servers)
    consumer.subscribe(["orders"])
    messages = read(consumer, 2)
    assert len(consumer.commit(asynchronous=False)) >= 1
    consumer.close()
    traces = raw_traces(servers)
    sent = {value["correlationId"] for _, value in of("SEND", traces)}
    assert [dict(message.headers())["shop"] for message in messages] == [b"berlin"] * 2
    assert {dict(message.headers())["correlationId"].decode() for message in messages} == sent
    for offset, (key, value) in enumerate(of("CONSUME", traces)):
        assert key == {"topic": "orders", "partition": 0, "offset": offset, "groupId": "billing"}
        assert value.keys() == COMMON | PLACE | {"groupId", "correlationId", "recordTimestamp"}
        assert value["clientId"] == "biller"
    assert {value["correlationId"] for _, value in of("CONSUME", traces)} == sent
    [(key, value)] = of("COMMIT", traces)
    assert key == {"topic": "orders", "partition": 0, "offset": 1, "groupId": "billing"}
    assert value.keys() == COMMON | PLACE | {"groupId"}


def test_each_way_to_commit_is_seen(servers):
    produce(servers, 4)
    seen = []
    consumer = consumer_on(servers, on_commit=lambda error, offsets: seen.append((error, offsets)))
    consumer.assign([TopicPartition("orders", 0, 0)])
    first, *_ = read(consumer, 4)
    consumer.commit(first, asynchronous=False)
    consumer.commit(offsets=[TopicPartition("orders", 0, 2)])
    wait_until(lambda: consumer.poll(0.05) is None and seen)
    [(error, [place])] = seen
    assert (error, place.offset) == (None, 2)
    consumer.close()
    assert [value["offset"] for _, value in of("COMMIT", raw_traces(servers))] == [0, 1]


def test_automatic_commits_are_seen_and_the_applications_callback_still_is_called(servers):
    produce(servers, 3)
    seen = []
    automatic = {"enable.auto.commit": True, "auto.commit.interval.ms": 100, "enable.auto.offset.store": False}
    consumer = consumer_on(servers, **automatic, on_commit=lambda _, offsets: seen.extend(offsets))
    consumer.subscribe(["orders"])
    consumer.store_offsets(read(consumer, 3)[1])
    wait_until(lambda: consumer.poll(0.05) is None and seen)
    consumer.close()
    assert {place.offset for place in seen if place.offset >= 0} == {2}
    assert {value["offset"] for _, value in of("COMMIT", raw_traces(servers))} == {1}


def test_a_commit_in_the_middle_of_a_batch_comes_after_the_deliveries(servers):
    produce(servers, 3)
    consumer = consumer_on(servers, **{"enable.auto.commit": True, "auto.commit.interval.ms": 50})
    consumer.subscribe(["orders"])
    wait_until(lambda: consumer.consume(10, 1))
    consumer.close()
    traces = raw_traces(servers)
    assert max(value["date"] for _, value in of("CONSUME", traces)) < min(
        value["date"] for _, value in of("COMMIT", traces)
    )


def test_what_is_committed_in_vain_has_no_trace(servers):
    produce(servers, 1)
    consumer = consumer_on(servers)
    consumer.assign([TopicPartition("orders", 0, 0)])
    with pytest.raises(KafkaException, match="_NO_OFFSET"):
        consumer.commit(asynchronous=False)
    consumer.close()
    assert of("COMMIT", raw_traces(servers)) == []


def test_messages_of_a_transaction_are_traced_whether_it_is_aborted_or_not(servers):
    with producer_on(servers, **{"transactional.id": "till"}) as producer:
        producer.init_transactions(WITHIN_S)
        for ends in (producer.commit_transaction, producer.abort_transaction):
            producer.begin_transaction()
            producer.produce("orders", b"x", partition=0)
            producer.flush(WITHIN_S)
            ends(WITHIN_S)
    traces = raw_traces(servers)
    assert len(of("SEND", traces)) == 2
    assert [ack["partition"] for _, ack in of("ACK", traces)] == [0, 0]


def test_offsets_of_a_transaction_are_committed_with_it_and_not_if_it_is_aborted(servers):
    produce(servers, 4)
    consumer = consumer_on(servers)
    consumer.subscribe(["orders"])
    read(consumer, 4)
    with producer_on(servers, **{"transactional.id": "copier"}) as producer:
        producer.init_transactions(WITHIN_S)
        for end, offset in ((producer.abort_transaction, 4), (producer.commit_transaction, 2)):
            producer.begin_transaction()
            place = [TopicPartition("orders", 0, offset)]
            producer.send_offsets_to_transaction(place, consumer.consumer_group_metadata(), WITHIN_S)
            end(WITHIN_S)
    consumer.close()
    [(key, commit)] = of("COMMIT", raw_traces(servers))
    assert (key["topic"], key["partition"], key["offset"]) == ("orders", 0, 1)
    assert (commit["groupId"], commit["clientId"]) == ("billing", "shop")
    assert producer.tracing.stats().errors == 0


@pytest.mark.parametrize("metadata", [b"", b"CGMDv9:____group", "group", None])
def test_a_group_that_cannot_be_read_is_no_group(metadata):
    with pytest.raises(ValueError, match="cannot be read"):
        group_of(metadata)


def test_a_batch_is_traced_by_acks_that_name_their_messages(servers):
    seen = []
    with producer_on(servers) as producer:
        messages = [{"value": b"a", "callback": lambda *_: seen.append("own")}, {"value": b"b"}]
        assert producer.produce_batch("orders", messages, 0, on_delivery=lambda *_: seen.append("common")) == 2
    assert sorted(seen) == ["common", "own"]
    traces = raw_traces(servers)
    named = {value["correlationId"] for _, value in of("SEND", traces)}
    assert len(named) == 2
    assert named == {value["correlationId"] for _, value in of("ACK", traces)}


def test_what_fails_has_an_ack_at_no_place_with_the_reason(servers):
    seen = []
    with producer_on(servers) as producer:
        producer.produce("orders", b"x", on_delivery=lambda error, _: seen.append(error.name()))
        producer.purge()
        producer.poll(1)
    assert len(seen) == 1
    [(key, ack)] = of("ACK", raw_traces(servers))
    assert key == {"topic": "orders", "partition": -1, "offset": -1}
    assert ack["error"] == seen[0]
    assert ack["error"].startswith("_PURGE")


@pytest.mark.parametrize("kinds", [(Producer, Consumer), (TracingProducer, TracingConsumer)])
def test_an_application_sees_the_same_with_and_without_tracing(servers, kinds):
    log = []
    own = {"on_delivery": lambda error, message: log.append(("default", error, message.offset()))}
    producer = producer_on(servers, kinds[0], **own)
    producer.produce("orders", b"0", partition=0)
    producer.produce("orders", b"1", b"k", 0, lambda error, message: log.append((error, message.value())))
    assert len(producer) == 2
    assert producer.flush(WITHIN_S) == 0
    with pytest.raises(TypeError):
        producer.produce("orders", b"0", headers=7)
    with pytest.raises(TypeError):
        producer.produce_batch("orders", "no list")
    assigned = []
    consumer = consumer_on(servers, kinds[1])
    consumer.subscribe(["orders"], on_assign=lambda who, places: assigned.append((type(who), len(places))))
    log += [(message.value(), message.key(), message.offset()) for message in read(consumer, 2)]
    consumer.seek(TopicPartition("orders", 0, 1))
    log += [message.value() for message in read(consumer, 1)]
    consumer.commit()
    consumer.close()
    with pytest.raises(RuntimeError):
        consumer.poll(0)
    assert assigned == [(kinds[1], 4)]
    assert log == [("default", None, 0), (None, b"1"), (b"0", None, 0), (b"1", b"k", 1), b"1"]


def test_the_callback_of_the_application_may_fail_as_before(servers):
    def fail(*_):
        raise ZeroDivisionError

    with producer_on(servers) as producer:
        producer.produce("orders", b"x", on_delivery=fail)
        with pytest.raises(ZeroDivisionError):
            wait_until(lambda: producer.poll(0.1))
    assert len(of("ACK", raw_traces(servers))) == 1


def test_only_errors_are_reported_to_who_wants_only_those(servers):
    seen = []
    with producer_on(servers, **{"delivery.report.only.error": True}) as producer:
        producer.produce("orders", b"x", on_delivery=lambda *_: seen.append(1))
    assert seen == []
    assert len(of("ACK", raw_traces(servers))) == 1


def test_a_client_that_is_not_traced_is_a_plain_one(servers):
    with producer_on(servers, **{"tracing.enabled": False}) as producer:
        producer.produce("orders", b"x")
    assert producer.tracing.stats() == (0, 0, 0, 0, 0, 0)


def test_a_cluster_that_is_away_costs_the_traces_and_nothing_else():
    producer = producer_on("127.0.0.1:1", **{"tracing.close.ms": 200, "tracing.queue.max": 3})
    for _ in range(5):
        producer.produce("orders", b"x")
    producer.purge()
    began = time.monotonic()
    producer.close()
    assert time.monotonic() - began < 5
    stats = producer.tracing.stats()
    assert stats.sent == 0
    assert stats.added == 10
    assert stats.dropped + stats.failed + stats.waiting == 10
