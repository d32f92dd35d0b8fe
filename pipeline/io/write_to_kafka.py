"""WriteToKafka: produces records from the step that makes them, by confluent-kafka.

In: lists of records, each key and value. Out: nothing. At least once: a bundle ends when the brokers have all of its
records. What they can never take because it is too large goes to the dead letter topic, with its bytes; any other
refusal fails the bundle.
"""

import logging
import threading
from collections.abc import Mapping
from typing import TYPE_CHECKING

import apache_beam as beam

from pipeline.config.client_properties import to_librdkafka
from transforms.input.dead_letters import DeadLetter, to_key_values
from transforms.input.records import UNKNOWN, KafkaRecord, KeyValue
from transforms.state import counters
from transforms.state.batches import Records

if TYPE_CHECKING:
    from confluent_kafka import KafkaError, Message, Producer

#: How long a bundle waits for the brokers to take its records.
_FLUSH_S = 120.0
_DEFAULTS: dict[str, str | int | bool] = {
    # A bundle waits for its last batch, so this is latency; batches are large by then.
    "linger.ms": 5,
    "enable.idempotence": True,
    # Java's, so that a key lies in the same partition whichever client wrote it.
    "partitioner": "murmur2_random",
    "queue.buffering.max.messages": 500_000,
    "delivery.report.only.error": True,
}
TOO_LARGE = "too-large-to-write"
_log = logging.getLogger(__name__)


class WriteToKafka(beam.PTransform):
    """Writes to one topic. `producer` are Java client properties, which may refer to secrets."""

    def __init__(self, topic: str, producer: Mapping[str, str], dead_letter_topic: str) -> None:
        super().__init__()
        self._produce = _Produce(topic, producer, dead_letter_topic)

    def expand(self, records: beam.PCollection[Records]) -> beam.PCollection[None]:
        """Nothing comes out."""
        return records | "Produce" >> beam.ParDo(self._produce)


class _Produce(beam.DoFn):
    def __init__(self, topic: str, properties: Mapping[str, str], dead_letter_topic: str) -> None:
        self._topic = topic
        self._properties = dict(properties)
        self._dead_letter_topic = dead_letter_topic
        self._producer: Producer | None = None
        self._failures: list[str] = []
        self._too_large: list[KeyValue] = []

    def start_bundle(self) -> None:
        self._producer = _producer(self._properties)
        self._failures, self._too_large = [], []

    def process(self, records: Records) -> None:
        for record in records:
            self._send(self._topic, *record)

    def finish_bundle(self) -> None:
        self._flush()
        for key, value in self._too_large:
            counters.DEAD_LETTERED_OUTPUT.inc()
            refused = KafkaRecord(self._topic, UNKNOWN, UNKNOWN, UNKNOWN, key, value)
            for letter in to_key_values(DeadLetter(refused, TOO_LARGE, "the brokers take no record of this size")):
                self._send(self._dead_letter_topic, *letter)
        if self._too_large:
            self._flush()

    def _send(self, topic: str, key: bytes, value: bytes) -> None:
        from confluent_kafka import KafkaException

        assert self._producer is not None  # noqa: S101  Beam calls start_bundle first
        while True:
            try:
                self._producer.produce(topic, value, key, on_delivery=self._failed)
            except BufferError:  # the queue is full: let it drain
                self._producer.poll(1.0)
            except KafkaException as error:
                self._refused(error.args[0], topic, (key, value))
                return
            else:
                return

    def _flush(self) -> None:
        assert self._producer is not None  # noqa: S101  Beam calls start_bundle first
        left = self._producer.flush(_FLUSH_S)
        if left:
            self._failures.append(f"no answer within {_FLUSH_S:.0f} s")
        if self._failures:
            _forget(self._properties, self._producer)
            raise RuntimeError(
                f"Records could not be written to {self._topic}: {self._failures[0]}. "
                "See what is wrong: tracing-aggregator check; create topics that are missing: tracing-aggregator topics"
            )

    def _failed(self, error: "KafkaError | None", message: "Message") -> None:
        """Called for each record that was not taken."""
        if error is not None:
            self._refused(error, message.topic() or "", (message.key() or b"", message.value() or b""))

    def _refused(self, error: "KafkaError", topic: str, record: KeyValue) -> None:
        from confluent_kafka import KafkaError

        if error.code() == KafkaError.MSG_SIZE_TOO_LARGE and topic != self._dead_letter_topic:
            self._too_large.append(record)
        else:
            self._failures.append(error.str())


_producers: dict[tuple[tuple[str, str], ...], "Producer"] = {}
_lock = threading.Lock()


def _producer(properties: Mapping[str, str]) -> "Producer":
    """The one producer of this process with these properties."""
    from confluent_kafka import Producer

    key = tuple(sorted(properties.items()))
    with _lock:
        if key not in _producers:
            # What goes wrong for good comes back with the records; librdkafka would write the rest to stderr.
            _producers[key] = Producer({**_DEFAULTS, **to_librdkafka(properties), "logger": _log})
        return _producers[key]


def _forget(properties: Mapping[str, str], producer: "Producer") -> None:
    """Make a new one next time: one that failed for good never works again."""
    key = tuple(sorted(properties.items()))
    with _lock:
        if _producers.get(key) is producer:
            del _producers[key]
