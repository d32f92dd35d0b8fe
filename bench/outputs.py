"""Watches output topics from outside: how many records are there, and when each one could be read."""

import threading
import time
from collections import defaultdict
from collections.abc import Sequence
from typing import Any, NamedTuple, Self

import orjson
from confluent_kafka import Consumer, TopicPartition

from bench.preload import PARTITIONS
from transforms.input.dates import nanos_of

TIMEOUT_S = 15
PERIOD_S = 0.1


class Point(NamedTuple):
    """At this monotonic time so many records were there."""

    at: float
    records: int


class Growth:
    """The number of records of a topic over time, a point for each look."""

    def __init__(self, servers: str, topic: str) -> None:
        self._topic = topic
        self._consumer = Consumer({"bootstrap.servers": servers, "group.id": "bench"})
        self.points = [Point(time.monotonic(), 0)]

    def look(self) -> int:
        """How many records are there now."""
        places = (TopicPartition(self._topic, partition) for partition in range(PARTITIONS))
        ends = [self._consumer.get_watermark_offsets(place, TIMEOUT_S)[1] for place in places]
        self.points.append(Point(time.monotonic(), sum(ends)))
        return sum(ends)

    def reached(self, records: float) -> float | None:
        """When there were so many, None if never; between two looks by interpolation."""
        for before, after in zip(self.points, self.points[1:], strict=False):
            if after.records >= records:
                share = (records - before.records) / max(1, after.records - before.records)
                return before.at + max(0.0, share) * (after.at - before.at)
        return None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._consumer.close()


class Seen(NamedTuple):
    """One record: when it was read (ns), from which topic, its value."""

    arrived: int
    topic: str
    value: dict[str, Any]


class Outputs:
    """Reads output topics inside the block, from a thread; `from_now`: without the records that are there already."""

    def __init__(self, servers: str, topics: Sequence[str], *, from_now: bool = False) -> None:
        self._consumer = Consumer(
            {
                "bootstrap.servers": servers,
                "group.id": "bench",
                "enable.auto.commit": False,
                "fetch.wait.max.ms": 10,
                "log_level": 0,  # brokers go and come back
            }
        )
        known = self._consumer.list_topics(timeout=TIMEOUT_S).topics
        places = [TopicPartition(topic, partition, 0) for topic in topics for partition in known[topic].partitions]
        for place in places if from_now else ():
            place.offset = self._consumer.get_watermark_offsets(place, TIMEOUT_S)[1]
        self._consumer.assign(places)
        self._seen: list[Seen] = []
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._read, name="outputs", daemon=True)

    def since(self, number: int) -> list[Seen]:
        """What was read after so many records."""
        return self._seen[number:]

    def __len__(self) -> int:
        return len(self._seen)

    def delays(self, start: int, end: int) -> dict[str, list[float]]:
        """Seconds by type of trace, for first writings of traces dated from `start` to `end` (ns)."""
        delays: defaultdict[str, list[float]] = defaultdict(list)
        for arrived, _, value in self.since(0):
            if "revision" not in value and start <= (date := nanos_of(value["date"])) < end:
                delays[value["type"]].append((arrived - date) / 1e9)
        return dict(delays)

    def _read(self) -> None:
        while not self._stop.is_set():
            # One at a time: `consume` would hold the first of a batch back until the last is there.
            message = self._consumer.poll(PERIOD_S)
            arrived = time.time_ns()
            if message is not None and message.error() is None and (value := message.value()):
                self._seen.append(Seen(arrived, message.topic() or "", orjson.loads(value)))
        self._consumer.close()

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join(TIMEOUT_S)
