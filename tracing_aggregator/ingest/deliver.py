"""Writes records to Kafka and waits until the brokers have them."""

import time
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from tracing_aggregator.ingest.records import Record

if TYPE_CHECKING:
    from confluent_kafka import KafkaError, Message

WITHIN_S = 20.0
_POLL_S = 0.1
_DEFAULTS: dict[str, Any] = {"linger.ms": 20, "enable.idempotence": True, "partitioner": "murmur2_random"}


class NotDeliveredError(Exception):
    """Some records of a batch were not written, for this reason: all of them are to be sent again."""


class Delivery:
    """A producer with these librdkafka properties; any number of threads may deliver."""

    def __init__(self, properties: Mapping[str, Any]) -> None:
        from confluent_kafka import Producer

        self._producer = Producer(_DEFAULTS | {"log_level": 0} | dict(properties))

    def __call__(self, records: Sequence[Record]) -> None:
        """Returns once every record is written; raises `NotDeliveredError` if one is not within 20 s."""
        failures: list[str] = []
        waiting = len(records)

        def delivered(error: "KafkaError | None", _: "Message") -> None:
            nonlocal waiting
            waiting -= 1
            if error is not None:
                failures.append(error.str())

        deadline = time.monotonic() + WITHIN_S
        for record in records:
            while True:
                try:
                    self._producer.produce(record.topic, record.value, record.key, on_delivery=delivered)
                    break
                except BufferError as error:  # the queue is full: let it drain
                    if time.monotonic() > deadline:
                        raise NotDeliveredError("the brokers are too slow") from error
                    self._producer.poll(_POLL_S)
        while waiting and time.monotonic() < deadline:
            self._producer.poll(_POLL_S)
        if waiting or failures:
            raise NotDeliveredError(failures[0] if failures else f"no answer within {WITHIN_S:.0f} s")
