"""Where the consumer group stands in the topics that it reads."""

import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, NamedTuple

from pipeline.client_properties import to_librdkafka
from pipeline.config import Config
from pipeline.errors import UserError
from runners.reads import Partitions

if TYPE_CHECKING:
    from confluent_kafka import Consumer, TopicPartition

TIMEOUT_S = 15
POLL_S = 0.5


class Position(NamedTuple):
    """One partition: the next offset to read without other state, and the end (the offset of the next record)."""

    topic: str
    partition: int
    start: int
    end: int


@contextmanager
def group_consumer(config: Config) -> Iterator["Consumer"]:
    """A consumer with the group's name that is no member of the group."""
    from confluent_kafka import Consumer

    consumer = Consumer({**to_librdkafka(config.consumer_properties()), "enable.auto.commit": False})
    try:
        yield consumer
    finally:
        consumer.close()


def committed(consumer: "Consumer", found: Partitions, patience_s: float = TIMEOUT_S) -> dict[str, dict[str, int]]:
    """The group's committed offsets by topic and partition; partitions without one are left out.

    A group's coordinator may be on the move: `UserError` when the brokers do not say within `patience_s`.
    """
    from confluent_kafka import KafkaException, TopicPartition

    wanted = [TopicPartition(topic, index) for topic, count in found.items() for index in range(count)]
    deadline = time.monotonic() + patience_s
    while True:
        try:
            return _by_topic(consumer.committed(wanted, timeout=TIMEOUT_S))
        except KafkaException as error:
            if time.monotonic() > deadline:
                raise UserError(
                    f"The committed offsets of the group cannot be read: {error.args[0].str()}.",
                    "Look into it with: tracing-aggregator check",
                ) from error
            time.sleep(POLL_S)


def positions(consumer: "Consumer", found: Partitions) -> list[Position]:
    """Where a read without saved state would begin in each partition, and where the partition ends."""
    from confluent_kafka import TopicPartition

    offsets = committed(consumer, found)
    answer = []
    for topic, count in found.items():
        for index in range(count):
            low, high = consumer.get_watermark_offsets(TopicPartition(topic, index), timeout=TIMEOUT_S)
            start = offsets.get(topic, {}).get(str(index), low)
            answer.append(Position(topic, index, min(max(start, low), high), high))
    return answer


def low_offsets(consumer: "Consumer", found: Partitions) -> dict[str, dict[str, int]]:
    """The oldest offsets that the brokers still have, by topic and partition."""
    from confluent_kafka import TopicPartition

    def low(topic: str, index: int) -> int:
        return int(consumer.get_watermark_offsets(TopicPartition(topic, index), timeout=TIMEOUT_S)[0])

    return {topic: {str(index): low(topic, index) for index in range(count)} for topic, count in found.items()}


def rewind(consumer: "Consumer", offsets: Mapping[str, Mapping[str, int]]) -> None:
    """Commits these offsets for the group, which must have no members (KafkaIO's readers are none)."""
    from confluent_kafka import TopicPartition

    wanted = [
        TopicPartition(topic, int(index), offset) for topic, each in offsets.items() for index, offset in each.items()
    ]
    if wanted:
        consumer.commit(offsets=wanted, asynchronous=False)


def _by_topic(answer: "Iterable[TopicPartition]") -> dict[str, dict[str, int]]:
    offsets: dict[str, dict[str, int]] = {}
    for each in answer:
        if each.offset >= 0:
            offsets.setdefault(each.topic, {})[str(each.partition)] = each.offset
    return offsets
