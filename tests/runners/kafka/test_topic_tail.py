"""The tail of topics against librdkafka's own mock cluster: a broker in this process."""

import time

import pytest
from confluent_kafka import KafkaError, KafkaException, Producer

from pipeline.config.load import Config, load_config
from runners.kafka.topic_tail import TopicTail
from transforms.input.records import KafkaRecord

TOPIC = "followed"


@pytest.fixture(scope="module")
def producer() -> Producer:
    return Producer({"bootstrap.servers": "mock", "test.mock.num.brokers": 1, "log_level": 0})


@pytest.fixture
def config(producer) -> Config:
    [broker] = producer.list_topics(timeout=10).brokers.values()
    return load_config(None, {}, [f"bootstrap.servers={broker.host}:{broker.port}"])


def write(producer: Producer, *values: bytes | None, partition: int = 0) -> None:
    for number, value in enumerate(values):
        producer.produce(TOPIC, value, b"key", partition=partition, timestamp=1000 + number)
    assert producer.flush(10) == 0


def read(tail: TopicTail, count: int) -> list[KafkaRecord]:
    found, deadline = [], time.monotonic() + 20
    while len(found) < count:
        assert time.monotonic() < deadline
        found += tail.records(0.2)
    return found


def test_it_reads_from_the_positions_given_and_says_where_each_partition_goes_on(producer, config):
    write(producer, b"a", b"b", None)
    with TopicTail(config) as tail:
        low, end = tail.bounds((TOPIC, 0))
        assert (low, end) == (0, 3)
        tail.assign({(TOPIC, 0): 1})
        records = read(tail, 2)
        assert [(one.offset, one.key, one.value, one.timestamp) for one in records] == [
            (1, b"key", b"b", 1001),
            (2, b"key", None, 1002),
        ]
        assert tail.positions == {(TOPIC, 0): 3}


def test_what_is_written_after_the_end_was_asked_for_is_read(producer, config):
    with TopicTail(config) as tail:
        places = tail.places([TOPIC, "there-is-no-such-topic"])
        assert {topic for topic, _ in places} == {TOPIC}
        tail.assign(tail.ends(places))
        write(producer, b"later", partition=1)
        assert [one.value for one in read(tail, 1)] == [b"later"]


def test_a_time_after_all_records_is_the_end(producer, config):
    write(producer, b"old", partition=2)
    with TopicTail(config) as tail:
        assert tail.at_time((TOPIC, 2), 10**13) == tail.bounds((TOPIC, 2))[1]


def test_a_partition_that_has_no_leader_yet_is_empty_and_any_other_failure_is_told(config, monkeypatch):
    with TopicTail(config) as tail:
        codes = iter([KafkaError.LEADER_NOT_AVAILABLE, KafkaError._TRANSPORT])

        def fails(_place):
            raise KafkaException(KafkaError(next(codes)))

        monkeypatch.setattr(tail, "bounds", fails)
        assert tail.ends([(TOPIC, 0)]) == {(TOPIC, 0): 0}
        with pytest.raises(KafkaException):
            tail.ends([(TOPIC, 0)])
