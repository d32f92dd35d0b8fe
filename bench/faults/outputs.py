"""Follows the output topics from a thread: every record with the time at which it could be read."""

import threading
import time
from types import TracebackType
from typing import Any, NamedTuple, Self

import orjson
from confluent_kafka import OFFSET_BEGINNING, Consumer, TopicPartition

TIMEOUT_S = 15
PERIOD_S = 0.1


class Seen(NamedTuple):
    """One record: when it was read (ns), from which topic, its value."""

    arrived: int
    topic: str
    value: dict[str, Any]


class Outputs:
    """All records of these topics, inside the block."""

    def __init__(self, servers: str, topics: list[str]) -> None:
        self._consumer = Consumer(
            {"bootstrap.servers": servers, "group.id": "faults", "enable.auto.commit": False, "log_level": 0}
        )
        metadata = self._consumer.list_topics(timeout=TIMEOUT_S).topics
        self._consumer.assign(
            [TopicPartition(topic, index, OFFSET_BEGINNING) for topic in topics for index in metadata[topic].partitions]
        )
        self._seen: list[Seen] = []
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._read, name="outputs", daemon=True)

    def since(self, number: int) -> list[Seen]:
        """What was read after so many records."""
        return self._seen[number:]

    def __len__(self) -> int:
        return len(self._seen)

    def _read(self) -> None:
        while not self._stop.is_set():
            for message in self._consumer.consume(500, PERIOD_S):
                value, topic = message.value(), message.topic()
                if message.error() is None and value is not None and topic is not None:
                    self._seen.append(Seen(time.time_ns(), topic, orjson.loads(value)))
        self._consumer.close()

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        self._thread.join(TIMEOUT_S)
