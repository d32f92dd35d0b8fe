from threading import Event
from types import SimpleNamespace
from typing import Any

import pytest
from confluent_kafka import TopicPartition

from pipeline.config.load import Config
from tracing_aggregator.metrics.reader import StatsReader

TOPIC = "_traceStats"


class FakeConsumer:
    """Partitions, each with the offset of the time that is asked for (-1: all is older), and records that come."""

    def __init__(self, partitions: dict[int, int], messages: list[Any], stop: Event) -> None:
        self.partitions, self.messages, self.stop = partitions, messages, stop
        self.assigned: dict[int, int] = {}

    def list_topics(self, topic: str, timeout: float) -> Any:
        known = SimpleNamespace(error=None if self.partitions else "unknown", partitions=self.partitions)
        return SimpleNamespace(topics={topic: known})

    def offsets_for_times(self, places: list[TopicPartition], timeout: float) -> list[TopicPartition]:
        assert {place.offset for place in places} == {777}
        return [TopicPartition(TOPIC, place.partition, self.partitions[place.partition]) for place in places]

    def get_watermark_offsets(self, place: TopicPartition, timeout: float) -> tuple[int, int]:
        return 0, 99

    def assign(self, places: list[TopicPartition]) -> None:
        self.assigned = {place.partition: place.offset for place in places}

    def consume(self, count: int, within_s: float) -> list[Any]:
        self.stop.set()
        return self.messages


def message(partition: int, offset: int, value: bytes | None = b"{}", error: str | None = None) -> Any:
    fields = {"key": b"k", "value": value, "partition": partition, "offset": offset, "error": error}
    fields["timestamp"] = (1, 5)
    return SimpleNamespace(**{name: lambda value=value: value for name, value in fields.items()})


@pytest.fixture
def taken() -> list[bytes]:
    return []


@pytest.fixture
def reader(taken) -> StatsReader:
    return StatsReader(Config(), 777, lambda key, value, written: taken.append(value))


def read(reader: StatsReader, partitions: dict[int, int], messages: list[Any]) -> dict[int, int]:
    """What was assigned."""
    stop = Event()
    consumer: Any = FakeConsumer(partitions, messages, stop)
    reader._read(consumer, stop)
    return consumer.assigned


def test_it_begins_at_the_time_given_or_at_the_end(reader, taken):
    assert read(reader, {0: 5, 1: -1}, [message(0, 5, b"a"), message(0, 6, None)]) == {0: 5, 1: 99}
    assert taken == [b"a"]


def test_after_a_failure_it_goes_on_where_it_was_and_reads_new_partitions_too(reader):
    read(reader, {0: 5}, [message(0, 8)])
    assert read(reader, {0: 5, 1: 3}, []) == {0: 9, 1: 3}


def test_errors_are_no_records(reader, taken):
    read(reader, {0: 5}, [message(0, 8, error="gone")])
    assert taken == []
    assert read(reader, {0: 5}, []) == {0: 5}


def test_without_the_topic_nothing_is_assigned(reader, monkeypatch):
    monkeypatch.setattr("tracing_aggregator.metrics.reader.RETRY_S", 0)
    assert read(reader, {}, []) == {}
