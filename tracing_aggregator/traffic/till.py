"""The till: the shop whose messages get lost.

A healthy broker loses nothing. But the end of a transaction takes an offset at which there is no record. That offset is
acknowledged, in the traces alone, as by a broker that lost the record afterwards. The message in the transaction is an
ordinary one.
"""

import time
from collections.abc import Mapping
from typing import Any

from confluent_kafka import Consumer, KafkaError, Message, TopicPartition

from pipeline.errors import UserError
from tracing_aggregator.traffic.deliveries import CORRELATION_ID, WITHIN_S, delivery_to, place_of
from tracing_aggregator.traffic.truth import Place, Truth
from tracing_clients import TracingProducer
from tracing_clients.settings import PREFIX
from tracing_clients.traces import Trace, new_id

CLIENT = "shop-till"
POLL_S = 0.002


class Till:
    """Loses messages. Nobody else may write to the topic meanwhile. `properties` are librdkafka's."""

    def __init__(self, properties: Mapping[str, Any], truth: Truth) -> None:
        self._truth = truth
        own = {"client.id": CLIENT, "transactional.id": f"{CLIENT}-{new_id()}"}
        self._producer = TracingProducer({**properties, **own})
        self._producer.init_transactions(WITHIN_S)
        plain = {name: value for name, value in properties.items() if not name.startswith(PREFIX)}
        self._looking = Consumer({**plain, "group.id": CLIENT, "enable.auto.commit": False, "log_level": 0})

    def lose(self, topic: str, value: bytes, key: str) -> None:
        """Send a message, and have one acknowledged behind it that is not there."""
        name, lost = new_id(), new_id()
        places: list[Place] = []
        told = delivery_to(self._truth, name, CLIENT)

        def delivered(error: KafkaError | None, message: Message) -> None:
            told(error, message)
            if error is None:
                places.append(place_of(message))

        sent_at = time.time_ns()
        self._producer.begin_transaction()
        self._producer.produce(topic, value, key, on_delivery=delivered, headers={CORRELATION_ID: name})
        self._producer.flush(WITHIN_S)
        self._producer.commit_transaction(WITHIN_S)
        for place in places:
            hole = place._replace(offset=place.offset + 1)
            self._wait_for_marker(hole)
            self._producer.tracing.add(Trace("SEND", sent_at, CLIENT, topic, correlation_id=lost))
            self._producer.tracing.add(Trace("ACK", time.time_ns(), CLIENT, *hole, lost))
            self._truth.lost(hole, lost, CLIENT)

    def close(self) -> None:
        """End."""
        self._looking.close()
        self._producer.close()

    def _wait_for_marker(self, hole: Place) -> None:
        """It is written a little after the answer to the commit."""
        partition = TopicPartition(hole.topic, hole.partition)
        deadline = time.monotonic() + WITHIN_S
        while self._looking.get_watermark_offsets(partition, WITHIN_S)[1] <= hole.offset:
            if time.monotonic() > deadline:
                raise UserError(f"The transaction before {hole} has no end after {WITHIN_S} s.", "Are all brokers up?")
            time.sleep(POLL_S)
