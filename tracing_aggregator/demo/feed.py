"""What arrives in topics from now on."""

from collections.abc import Sequence
from types import TracebackType
from typing import NamedTuple, Self

from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaException, TopicPartition

TIMEOUT_S = 15
BATCH = 500


class Arrival(NamedTuple):
    """A record as it came."""

    topic: str
    key: bytes
    value: bytes


class Feed:
    """The records of these topics that are written after its construction. It belongs to no group."""

    def __init__(self, bootstrap_servers: str, topics: Sequence[str]) -> None:
        self._consumer = Consumer(
            {
                "bootstrap.servers": bootstrap_servers,
                "group.id": "tracing-aggregator-demo",
                "enable.auto.commit": False,
                "fetch.wait.max.ms": 100,
                "log_level": 0,
            }
        )
        known = self._consumer.list_topics(timeout=TIMEOUT_S).topics
        places = [TopicPartition(topic, number) for topic in topics for number in known[topic].partitions]
        self._consumer.assign([self._at_end(place) for place in places])

    def poll(self, within_s: float) -> list[Arrival]:
        """What has come since the last call; empty when nothing does within that time."""
        messages = self._consumer.consume(BATCH, within_s)
        return [
            Arrival(str(message.topic()), message.key() or b"", message.value() or b"")
            for message in messages
            if message.error() is None
        ]

    def _at_end(self, place: TopicPartition) -> TopicPartition:
        try:
            _, place.offset = self._consumer.get_watermark_offsets(place, timeout=TIMEOUT_S)
        except KafkaException:  # a topic so new that it has no leader yet is empty
            place.offset = OFFSET_BEGINNING
        return place

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._consumer.close()
