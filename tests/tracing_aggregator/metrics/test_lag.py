"""How far the job is behind, from committed offsets and the ends of partitions."""

from types import SimpleNamespace

from confluent_kafka import TopicPartition

from pipeline.config.load import Config
from tracing_aggregator.metrics.lag import Lag, LagWatch, lag_of


def test_what_is_not_committed_is_behind():
    assert lag_of({0: (0, 100), 1: (0, 50)}, {0: 90, 1: 50}) == Lag(10, 0)


def test_a_partition_without_a_commit_is_unread_if_it_has_records():
    assert lag_of({0: (20, 100), 1: (7, 7), 2: (0, 5)}, {0: -1001, 1: -1001}) == Lag(85, 2)


def test_what_is_deleted_before_it_was_read_is_behind_no_longer():
    assert lag_of({0: (60, 100)}, {0: 10}) == Lag(40, 0)


def test_a_commit_beyond_the_end_is_no_negative_lag():
    assert lag_of({0: (0, 10)}, {0: 12}) == Lag(0, 0)


class FakeConsumer:
    def list_topics(self, topic: str, timeout: float):
        return SimpleNamespace(topics={topic: SimpleNamespace(error=None, partitions={0: None, 1: None})})

    def get_watermark_offsets(self, place: TopicPartition, timeout: float) -> tuple[int, int]:
        return 0, 10 * (place.partition + 1)

    def committed(self, places: list[TopicPartition], timeout: float) -> list[TopicPartition]:
        return [TopicPartition(place.topic, place.partition, 7 if place.partition else -1001) for place in places]


def test_all_partitions_of_the_tracing_topic_are_asked_and_nothing_is_told_before():
    watch = LagWatch(Config())
    assert list(watch.collect()) == []
    watch._lag = watch._look(FakeConsumer())
    told = {family.name: family.samples[0].value for family in watch.collect()}
    assert told == {"kafka_trace_aggregator_lag_records": 23, "kafka_trace_aggregator_unread_partitions": 1}
