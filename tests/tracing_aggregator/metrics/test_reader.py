from threading import Event
from typing import Any

import pytest

from pipeline.config.load import Config
from tracing_aggregator.metrics.reader import StatsReader
from transforms.input.records import KafkaRecord

TOPIC = "_traceStats"


class FakeTail:
    """Partitions, each with the offset of the time that is asked for, and records that come."""

    def __init__(self, partitions: dict[int, int], records: list[KafkaRecord], stop: Event) -> None:
        self.partitions, self.coming, self.stop = partitions, records, stop
        self.positions: dict[tuple[str, int], int] = {}

    def metadata(self, timeout_s: float) -> None:
        assert timeout_s < 15

    def places(self, topics: list[str], _known: None) -> list[tuple[str, int]]:
        return [(topic, partition) for topic in topics for partition in self.partitions]

    def at_time(self, place: tuple[str, int], since: int, _timeout_s: float) -> int:
        assert since == 777
        return self.partitions[place[1]]

    def assign(self, positions: dict[tuple[str, int], int]) -> None:
        self.assigned = {partition: offset for (_, partition), offset in positions.items()}
        self.positions = dict(positions)

    def records(self, _within_s: float) -> list[KafkaRecord]:
        self.stop.set()
        self.positions |= {(one.topic, one.partition): one.offset + 1 for one in self.coming}
        return self.coming


def record(partition: int, offset: int, value: bytes | None = b"{}", timestamp: int = 5) -> KafkaRecord:
    return KafkaRecord(TOPIC, partition, offset, timestamp, b"k", value)


@pytest.fixture
def taken() -> list[tuple[bytes, int | None]]:
    return []


@pytest.fixture
def reader(taken) -> StatsReader:
    return StatsReader(Config(), 777, lambda key, value, written: taken.append((value, written)))


def read(reader: StatsReader, partitions: dict[int, int], records: list[KafkaRecord]) -> dict[int, int]:
    """What was assigned."""
    stop = Event()
    tail: Any = FakeTail(partitions, records, stop)
    reader._read(tail, stop)
    return getattr(tail, "assigned", {})


def test_it_begins_at_the_time_given_and_leaves_out_tombstones(reader, taken):
    assert read(reader, {0: 5, 1: 99}, [record(0, 5, b"a"), record(0, 6, None)]) == {0: 5, 1: 99}
    assert taken == [(b"a", 5)]


def test_a_record_without_a_time_says_so(reader, taken):
    read(reader, {0: 5}, [record(0, 5, b"a", timestamp=-1)])
    assert taken == [(b"a", None)]


def test_after_a_failure_it_goes_on_where_it_was_and_reads_new_partitions_too(reader):
    read(reader, {0: 5}, [record(0, 8)])
    assert read(reader, {0: 5, 1: 3}, []) == {0: 9, 1: 3}


def test_without_the_topic_nothing_is_assigned(reader, monkeypatch):
    monkeypatch.setattr("tracing_aggregator.metrics.reader.RETRY_S", 0)
    assert read(reader, {}, []) == {}
