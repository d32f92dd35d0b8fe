"""Reads the statistics topic, for as long as it is told to; brokers may come and go."""

import time
from collections.abc import Callable
from threading import Event
from typing import TYPE_CHECKING, Any

from pipeline.config.client_properties import to_librdkafka
from pipeline.config.load import Config

if TYPE_CHECKING:
    from confluent_kafka import Consumer

TIMEOUT_S = 5
RETRY_S = 5.0
POLL_S = 1.0
BATCH = 500
#: How often to look for new partitions.
LOOK_S = 60.0

Take = Callable[[bytes, bytes, int | None], None]


class StatsReader:
    """The records of the statistics topic from `since` (ms since the epoch) on; `takers` get key, value, time (ms)."""

    def __init__(self, config: Config, since: int, *takers: Take) -> None:
        self._topic = config.settings.stats_topic
        self._since = since
        self._takers = takers
        #: By partition, the offset to go on at.
        self._next: dict[int, int] = {}
        ours: dict[str, Any] = {"enable.auto.commit": False, "auto.offset.reset": "earliest", "log_level": 0}
        self._properties = {**to_librdkafka(config.consumer_properties()), **ours}

    def run(self, stop: Event) -> None:
        """Read until `stop` is set; while the topic is missing or no broker answers, try again."""
        from confluent_kafka import Consumer, KafkaException

        while not stop.is_set():
            try:
                consumer = Consumer(self._properties)
                try:
                    self._read(consumer, stop)
                finally:
                    consumer.close()
            except KafkaException:
                stop.wait(RETRY_S)

    def _read(self, consumer: "Consumer", stop: Event) -> None:
        """Read until a partition appears or `stop` is set."""
        partitions = self._partitions(consumer)
        if not partitions:
            stop.wait(RETRY_S)
            return
        self._assign(consumer, partitions)
        next_look = time.monotonic() + LOOK_S
        while not stop.is_set():
            for message in consumer.consume(BATCH, POLL_S):
                key, value, partition, offset = message.key(), message.value(), message.partition(), message.offset()
                if message.error() is None and partition is not None and offset is not None:
                    self._next[partition] = offset + 1
                    kind, written = message.timestamp()
                    if isinstance(key, bytes) and isinstance(value, bytes):
                        for take in self._takers:
                            take(key, value, written if kind else None)
            if time.monotonic() >= next_look:
                next_look = time.monotonic() + LOOK_S
                if self._partitions(consumer) != partitions:
                    return

    def _partitions(self, consumer: "Consumer") -> list[int]:
        topic = consumer.list_topics(self._topic, timeout=TIMEOUT_S).topics[self._topic]
        return [] if topic.error else sorted(topic.partitions)

    def _assign(self, consumer: "Consumer", partitions: list[int]) -> None:
        from confluent_kafka import KafkaException, TopicPartition

        new = [TopicPartition(self._topic, number, self._since) for number in partitions if number not in self._next]
        for place in consumer.offsets_for_times(new, timeout=TIMEOUT_S) if new else ():
            if place.error:
                raise KafkaException(place.error)
            if place.offset < 0:
                # All is older. Not `OFFSET_END`, which is looked up later: what is written until then would be missing.
                _, place.offset = consumer.get_watermark_offsets(place, timeout=TIMEOUT_S)
            self._next[place.partition] = place.offset
        consumer.assign([TopicPartition(self._topic, number, self._next[number]) for number in partitions])
