"""Watches the output topic from outside: how many records are there, and when each one could be read."""

import threading
import time
from collections import defaultdict
from types import TracebackType
from typing import NamedTuple, Self

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
    """The number of records of a topic over time, looked at ten times a second."""

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

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._consumer.close()


class Delays:
    """Reads an output topic inside the block: for each record the time from its date to its arrival here."""

    def __init__(self, servers: str, topic: str) -> None:
        self._consumer = Consumer(
            {
                "bootstrap.servers": servers,
                "group.id": "bench",
                "enable.auto.commit": False,
                "fetch.wait.max.ms": 10,
            }
        )
        self._topic = topic
        self._seen: list[tuple[str, int, int]] = []
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._read, name="delays", daemon=True)

    def between(self, start: int, end: int) -> dict[str, list[float]]:
        """Seconds by type of trace, for first writings of traces dated from `start` to `end` (ns)."""
        delays: defaultdict[str, list[float]] = defaultdict(list)
        for kind, date, arrived in self._seen.copy():
            if start <= date < end:
                delays[kind].append((arrived - date) / 1e9)
        return dict(delays)

    def _read(self) -> None:
        # From here on: what is there already is not of interest.
        for partition in range(PARTITIONS):
            place = TopicPartition(self._topic, partition)
            place.offset = self._consumer.get_watermark_offsets(place, TIMEOUT_S)[1]
            self._consumer.incremental_assign([place])
        while not self._stop.is_set():
            # One at a time: `consume` would hold the first of a batch back until the last is there.
            message = self._consumer.poll(PERIOD_S)
            arrived = time.time_ns()
            value = message and message.error() is None and message.value()
            if value:
                trace = orjson.loads(value)
                if "revision" not in trace:
                    self._seen.append((trace["type"], nanos_of(trace["date"]), arrived))
        self._consumer.close()

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        self._thread.join(TIMEOUT_S)
