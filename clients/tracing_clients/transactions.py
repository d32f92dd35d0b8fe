"""Offsets that a producer commits in its transactions: they hold once the transaction is committed."""

import time
from collections.abc import Iterable
from typing import Any

from confluent_kafka import TopicPartition

from tracing_clients.traces import Trace

# How `Consumer.consumer_group_metadata()` is written by librdkafka (rd_kafka_consumer_group_metadata_write): this, the
# generation in four bytes, and the name of the group up to a zero byte.
_MAGIC = b"CGMDv2:"
_GENERATION = 4


def group_of(metadata: Any) -> str:
    """The name of the consumer group; ValueError if that is no metadata as we know it."""
    if not isinstance(metadata, bytes) or not metadata.startswith(_MAGIC):
        raise ValueError("offsets were sent to a transaction in the name of a group that cannot be read")
    start = len(_MAGIC) + _GENERATION
    return metadata[start : metadata.index(b"\0", start)].decode()


class SentOffsets:
    """The offsets of the transaction that is open."""

    def __init__(self) -> None:
        self._sent: list[tuple[str, TopicPartition]] = []

    def send(self, positions: Iterable[TopicPartition], metadata: Any) -> None:
        """These are part of it now. ValueError as `group_of`."""
        group = group_of(metadata)
        self._sent += [(group, position) for position in positions]

    def clear(self) -> None:
        """It was aborted, or a new one begins."""
        self._sent.clear()

    def committed(self, client_id: str) -> list[Trace]:
        """It was committed now: a COMMIT for each partition, in the name of the producer."""
        at = time.time_ns()
        sent, self._sent = self._sent, []
        return [
            Trace("COMMIT", at, client_id, position.topic, position.partition, position.offset - 1, group_id=group)
            for group, position in sent
            if position.offset >= 0
        ]
