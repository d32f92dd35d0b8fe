"""The applications that read: each the only member of its group, which may be slow, set itself back, or crash."""

import time
from collections.abc import Callable, Mapping
from threading import Event
from typing import Any

from confluent_kafka import KafkaError, KafkaException, Message, TopicPartition

from tracing_aggregator.traffic.deliveries import CORRELATION_ID, WITHIN_S, delivery_to, name_of, place_of
from tracing_aggregator.traffic.plan import Times
from tracing_aggregator.traffic.truth import Place, Truth
from tracing_clients import TracingConsumer, TracingProducer

PAYMENTS = "payments"
BATCH = 20
POLL_S = 0.2
#: One that is killed keeps its partitions from the next one only so long; 45 s is Kafka's default.
SESSION = {"session.timeout.ms": 10_000, "heartbeat.interval.ms": 2_000}
#: A group whose coordinator is just moving, or not yet known, can commit in a moment.
NOT_YET = {
    KafkaError._WAIT_COORD,  # noqa: SLF001 - public, by its name in librdkafka
    KafkaError.COORDINATOR_LOAD_IN_PROGRESS,
    KafkaError.COORDINATOR_NOT_AVAILABLE,
    KafkaError.NOT_COORDINATOR,
}
#: How far a rewind goes back, in offsets of each partition.
BACK = 20


class Reader:
    """Reads a topic in the name of a group, a batch at a time, and commits each batch; subclasses work on it."""

    def __init__(self, group: str, topic: str, properties: Mapping[str, Any], truth: Truth) -> None:
        self.group = group
        self.topic = topic
        self.client = ""
        self._properties = dict(properties)
        self._truth = truth
        self._members = 0
        self._first: dict[int, int] = {}
        #: The next offset to read, as committed, by partition.
        self._next: dict[int, int] = {}

    def work(self, messages: list[Message], ending: Event) -> None:
        """What the application does with a batch before it is committed."""

    def run(self, ending: Event, *, rewind_each_s: float | None = None, crash_each_s: float | None = None) -> None:
        """Read until `ending` is set and all that was produced is read, or 30 s have passed since."""
        rewinds, crashes = (Times(each, time.monotonic()) for each in (rewind_each_s, crash_each_s))
        consumer = self._join()
        try:
            deadline: float | None = None
            while not (ending.is_set() and self._has_read_all()):
                now = time.monotonic()
                if ending.is_set():
                    deadline = deadline or now + WITHIN_S
                    if now > deadline:
                        return
                messages = [message for message in consumer.consume(BATCH, POLL_S) if message.error() is None]
                if not messages:
                    continue
                self._take_down(messages)
                self.work(messages, ending)
                if not ending.is_set() and crashes.is_due(now):
                    self._truth.crashed(self.group, self.client)
                    consumer.close()  # commits nothing; what it read, another reads again
                    consumer = self._join()
                    continue
                self._commit(consumer, messages)
                if not ending.is_set() and rewinds.is_due(now):
                    self._rewind(consumer)
        finally:
            consumer.close()

    def _join(self) -> TracingConsumer:
        self._members += 1
        self.client = f"{self.group}-{self._members}"
        own = {"client.id": self.client, "group.id": self.group, "enable.auto.commit": False}
        consumer = TracingConsumer({**SESSION, **self._properties, **own})
        consumer.subscribe([self.topic])
        return consumer

    def _take_down(self, messages: list[Message]) -> None:
        for message in messages:
            place = place_of(message)
            self._first.setdefault(place.partition, place.offset)
            self._truth.consumed(place, self.group, name_of(message), self.client)

    def _commit(self, consumer: TracingConsumer, messages: list[Message]) -> None:
        last = {place.partition: place for place in map(place_of, messages)}
        offsets = [TopicPartition(self.topic, partition, place.offset + 1) for partition, place in last.items()]
        _commit_at_last(consumer, offsets)
        for place in last.values():
            self._next[place.partition] = place.offset + 1
            self._truth.committed(place, self.group, self.client)

    def _rewind(self, consumer: TracingConsumer) -> None:
        """Set the group back, as someone does who wants a calculation done again."""
        for partition, following in list(self._next.items()):
            to = max(self._first[partition], following - BACK)
            if to < following:
                position = TopicPartition(self.topic, partition, to)
                consumer.seek(position)
                _commit_at_last(consumer, [position])
                self._next[partition] = to
                place = Place(self.topic, partition, to - 1)
                self._truth.rewound(place, self.group, self.client, from_offset=following - 1)

    def _has_read_all(self) -> bool:
        return all(self._next.get(partition, -1) > end for partition, end in self._truth.ends(self.topic).items())


def _commit_at_last(consumer: TracingConsumer, offsets: list[TopicPartition]) -> None:
    """Commit, waiting up to 30 s for the group's coordinator; raises `KafkaException` as `commit` does."""
    deadline = time.monotonic() + WITHIN_S
    while True:
        try:
            consumer.commit(offsets=offsets, asynchronous=False)
        except KafkaException as error:
            if error.args[0].code() not in NOT_YET or time.monotonic() > deadline:
                raise
            time.sleep(POLL_S)
        else:
            return


class Slow(Reader):
    """Takes so many milliseconds for each message, until the end is near."""

    def __init__(self, group: str, topic: str, properties: Mapping[str, Any], truth: Truth, slow_ms: int) -> None:
        super().__init__(group, topic, properties, truth)
        self._slow_ms = slow_ms

    def work(self, messages: list[Message], ending: Event) -> None:
        """Take time."""
        ending.wait(self._slow_ms * len(messages) / 1000)


class Forwarder(Reader):
    """Makes a payment of each order, under the same name: the second hop."""

    def __init__(
        self, group: str, topic: str, properties: Mapping[str, Any], producing: Mapping[str, Any], truth: Truth
    ) -> None:
        super().__init__(group, topic, properties, truth)
        client = f"{group}-1"
        self._producer = TracingProducer({**producing, "client.id": client, "enable.idempotence": True})
        self._delivery: Callable[[str], Any] = lambda name: delivery_to(truth, name, client)

    def work(self, messages: list[Message], ending: Event) -> None:  # noqa: ARG002 - others may be interrupted
        """Send the payments, and wait until they are there."""
        for message in messages:
            name = name_of(message)
            headers = {CORRELATION_ID: name}
            self._producer.produce(
                PAYMENTS, message.value(), message.key(), on_delivery=self._delivery(name), headers=headers
            )
        self._producer.flush(WITHIN_S)

    def close(self) -> None:
        """End the producer of payments."""
        self._producer.close()
