"""Reads the statistics topic, for as long as it is told to; brokers may come and go."""

import time
from collections.abc import Callable
from threading import Event

from confluent_kafka import KafkaException

from pipeline.config.load import Config
from runners.kafka.topic_tail import Place, TopicTail

TIMEOUT_S = 5
RETRY_S = 5.0
POLL_S = 1.0
#: How often to look for new partitions.
LOOK_S = 60.0

Take = Callable[[bytes, bytes, int | None], None]


class StatsReader:
    """The records of the statistics topic from `since` (ms since the epoch) on; `takers` get key, value, time (ms)."""

    def __init__(self, config: Config, since: int, *takers: Take) -> None:
        self._config = config
        self._since = since
        self._takers = takers
        #: The offset to go on at, after a failure too.
        self._next: dict[Place, int] = {}

    def run(self, stop: Event) -> None:
        """Read until `stop` is set; while the topic is missing or no broker answers, try again."""
        while not stop.is_set():
            try:
                with TopicTail(self._config) as tail:
                    self._read(tail, stop)
            except KafkaException:
                stop.wait(RETRY_S)

    def _read(self, tail: TopicTail, stop: Event) -> None:
        """Read until a partition appears or `stop` is set."""
        places = self._places(tail)
        if not places:
            stop.wait(RETRY_S)
            return
        for place in places:
            if place not in self._next:
                self._next[place] = tail.at_time(place, self._since, TIMEOUT_S)
        tail.assign({place: self._next[place] for place in places})
        next_look = time.monotonic() + LOOK_S
        while not stop.is_set():
            for record in tail.records(POLL_S):
                if record.key is not None and record.value is not None:
                    written = record.timestamp if record.timestamp >= 0 else None
                    for take in self._takers:
                        take(record.key, record.value, written)
            self._next = dict(tail.positions)
            if time.monotonic() >= next_look:
                next_look = time.monotonic() + LOOK_S
                if self._places(tail) != places:
                    return

    def _places(self, tail: TopicTail) -> list[Place]:
        return tail.places([self._config.settings.stats_topic], tail.metadata(TIMEOUT_S))
