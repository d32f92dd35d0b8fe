"""Sinks in Kafka: WriteToKafka where there is an expansion service, confluent-kafka in a process of ours."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import apache_beam as beam

from transforms.records import KeyValue

if TYPE_CHECKING:
    from confluent_kafka import KafkaError, Message, Producer

#: How long a bundle waits for the broker to take its records.
_FLUSH_S = 120.0
#: The partitioner is Java's, so that a key lies in the same partition whichever runner wrote it.
_DEFAULTS = {"linger.ms": 20, "enable.idempotence": True, "partitioner": "murmur2_random"}
_BYTES_SERIALIZER = "org.apache.kafka.common.serialization.ByteArraySerializer"


class WriteTopic(beam.PTransform):
    """WriteToKafka for one topic; `producer` are Java properties."""

    def __init__(self, topic: str, producer: Mapping[str, str], expansion_service: str) -> None:
        super().__init__()
        self._topic = topic
        self._producer = dict(producer)
        self._expansion_service = expansion_service

    def expand(self, records: beam.PCollection[KeyValue]) -> beam.PCollection[None]:
        """Nothing comes out."""
        from apache_beam.io.kafka import WriteToKafka

        return records | "WriteToKafka" >> WriteToKafka(
            producer_config=self._producer,
            topic=self._topic,
            key_serializer=_BYTES_SERIALIZER,
            value_serializer=_BYTES_SERIALIZER,
            expansion_service=self._expansion_service,
        )


class ProduceTopic(beam.PTransform):
    """Produces to one topic with confluent-kafka; `producer` are librdkafka properties. At least once per bundle."""

    def __init__(self, topic: str, producer: Mapping[str, str]) -> None:
        super().__init__()
        self._topic = topic
        self._producer = dict(producer)

    def expand(self, records: beam.PCollection[KeyValue]) -> beam.PCollection[None]:
        """Nothing comes out."""
        return records | "Produce" >> beam.ParDo(_Produce(self._topic, self._producer))


class _Produce(beam.DoFn):
    def __init__(self, topic: str, properties: Mapping[str, str]) -> None:
        self._topic = topic
        self._properties = {**_DEFAULTS, **properties}
        self._producer: Producer | None = None
        self._failures: list[str] = []

    def setup(self) -> None:
        from confluent_kafka import Producer

        self._producer = Producer(self._properties)

    def start_bundle(self) -> None:
        self._failures = []

    def process(self, record: KeyValue) -> None:
        assert self._producer is not None  # noqa: S101  Beam calls setup first
        key, value = record
        while True:
            try:
                self._producer.produce(self._topic, value, key, on_delivery=self._delivered)
            except BufferError:  # the queue is full: let it drain
                self._producer.poll(1.0)
            else:
                break
        self._producer.poll(0)

    def finish_bundle(self) -> None:
        assert self._producer is not None  # noqa: S101  Beam calls setup first
        left = self._producer.flush(_FLUSH_S)
        if left or self._failures:
            why = self._failures[0] if self._failures else f"no answer within {_FLUSH_S:.0f} s"
            raise RuntimeError(
                f"{left + len(self._failures)} records could not be written to {self._topic}: {why}. "
                "See: tracing-aggregator check"
            )

    def _delivered(self, error: "KafkaError | None", _: "Message") -> None:
        if error is not None:
            self._failures.append(error.str())
