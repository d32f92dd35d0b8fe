"""Where a partition begins and ends."""

import time
from typing import TYPE_CHECKING

from pipeline.errors import UserError

if TYPE_CHECKING:
    from confluent_kafka import Consumer

TIMEOUT_S = 15
POLL_S = 0.5


def bounds(consumer: "Consumer", topic: str, partition: int, patience_s: float = TIMEOUT_S) -> tuple[int, int]:
    """The oldest offset that the brokers still have of a partition, and its end (the offset of the next record).

    Its leader may be on the move, or not know yet that it is: `UserError` when nobody says within `patience_s`.
    """
    from confluent_kafka import KafkaException, TopicPartition

    place = TopicPartition(topic, partition)
    deadline = time.monotonic() + patience_s
    while True:
        try:
            return consumer.get_watermark_offsets(place, timeout=TIMEOUT_S)
        except KafkaException as error:
            if time.monotonic() > deadline:
                raise UserError(
                    f"The offsets of {topic}/{partition} cannot be read: {error.args[0].str()}.",
                    "Look into it with: tracing-aggregator check",
                ) from error
            time.sleep(POLL_S)
