"""Where the consumer group stands in the topics that it reads."""

import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from pipeline.client_properties import to_librdkafka
from pipeline.config import Config
from pipeline.errors import UserError
from runners.reads import Partitions

if TYPE_CHECKING:
    from confluent_kafka import Consumer, TopicPartition

TIMEOUT_S = 15
POLL_S = 0.5
Answer = TypeVar("Answer")


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
    from confluent_kafka import TopicPartition

    wanted = [TopicPartition(topic, index) for topic, count in found.items() for index in range(count)]
    return _patiently(
        lambda: _by_topic(consumer.committed(wanted, timeout=TIMEOUT_S)),
        "The committed offsets of the group",
        patience_s,
    )


def bounds(consumer: "Consumer", topic: str, partition: int, patience_s: float = TIMEOUT_S) -> tuple[int, int]:
    """The oldest offset that the brokers still have of a partition, and its end (the offset of the next record).

    Its leader may be on the move, or not know yet that it is: `UserError` when nobody says within `patience_s`.
    """
    from confluent_kafka import TopicPartition

    place = TopicPartition(topic, partition)
    return _patiently(
        lambda: consumer.get_watermark_offsets(place, timeout=TIMEOUT_S),
        f"The offsets of {topic}/{partition}",
        patience_s,
    )


def _patiently(ask: Callable[[], Answer], what: str, patience_s: float) -> Answer:
    from confluent_kafka import KafkaException

    deadline = time.monotonic() + patience_s
    while True:
        try:
            return ask()
        except KafkaException as error:
            if time.monotonic() > deadline:
                raise UserError(
                    f"{what} cannot be read: {error.args[0].str()}.", "Look into it with: tracing-aggregator check"
                ) from error
            time.sleep(POLL_S)


def positions(consumer: "Consumer", found: Partitions) -> list[Position]:
    """Where a read without saved state would begin in each partition, and where the partition ends."""
    offsets = committed(consumer, found)
    answer = []
    for topic, count in found.items():
        for index in range(count):
            low, high = bounds(consumer, topic, index)
            start = offsets.get(topic, {}).get(str(index), low)
            answer.append(Position(topic, index, min(max(start, low), high), high))
    return answer


def _by_topic(answer: "Iterable[TopicPartition]") -> dict[str, dict[str, int]]:
    offsets: dict[str, dict[str, int]] = {}
    for each in answer:
        if each.offset >= 0:
            offsets.setdefault(each.topic, {})[str(each.partition)] = each.offset
    return offsets
