"""Reads topics without a consumer group, from any offset on, for whoever looks at what a job writes."""

import logging
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, Self

from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition

from pipeline.config.client_properties import to_librdkafka
from pipeline.config.load import Config
from runners.kafka.admin import TIMEOUT_S, code
from transforms.input.records import KafkaRecord

if TYPE_CHECKING:
    from confluent_kafka import Message
    from confluent_kafka.admin import ClusterMetadata

_BATCH = 1000
_PARTITION_EOF = KafkaError._PARTITION_EOF  # noqa: SLF001  its public name
#: A partition so new that it has no leader yet is empty.
_TOO_NEW = frozenset(
    {
        KafkaError.LEADER_NOT_AVAILABLE,
        KafkaError.NOT_LEADER_FOR_PARTITION,
        KafkaError.UNKNOWN_TOPIC_OR_PART,
        KafkaError._UNKNOWN_PARTITION,  # noqa: SLF001  its public name
    }
)

# librdkafka repeats each failed connection on stderr.
_log = logging.getLogger(__name__)
_log.addHandler(logging.NullHandler())
_log.propagate = False

Place = tuple[str, int]
"""Topic and partition."""


class TopicTail:
    """A consumer that is told where to read; `positions` says at which offset each partition goes on.

    A position moves past what is no record too (marks of transactions, compacted records) once a partition is read to
    its end. Every request raises KafkaException when no broker answers in time.
    """

    def __init__(self, config: Config) -> None:
        properties: dict[str, Any] = to_librdkafka(config.consumer_properties())
        # A group is asked for, and never joined.
        ours = {"group.id": f"{config.settings.application_id}-tail", "enable.auto.commit": False}
        rest = {"enable.partition.eof": True, "auto.offset.reset": "earliest", "fetch.wait.max.ms": 100}
        self._consumer = Consumer({**properties, **ours, **rest}, logger=_log)
        self.positions: dict[Place, int] = {}
        self.errors: list[KafkaError] = []

    def metadata(self, timeout_s: float = TIMEOUT_S) -> "ClusterMetadata":
        """What the brokers say of the cluster and its topics."""
        known: ClusterMetadata = self._consumer.list_topics(timeout=timeout_s)
        return known

    def places(self, topics: Iterable[str], known: "ClusterMetadata | None" = None) -> list[Place]:
        """All partitions of those topics that are there; `known` is what `metadata` said."""
        found = (known or self.metadata()).topics
        return [(topic, number) for topic in topics if topic in found for number in sorted(found[topic].partitions)]

    def bounds(self, place: Place, timeout_s: float = TIMEOUT_S) -> tuple[int, int]:
        """The lowest offset that is there, and the one after the highest."""
        low, end = self._consumer.get_watermark_offsets(TopicPartition(*place), timeout=timeout_s)
        return low, end

    def ends(self, places: Iterable[Place]) -> dict[Place, int]:
        """Where each partition ends now: by offset, not by `OFFSET_END`, which is looked up later."""
        return {place: self._end(place) for place in places}

    def _end(self, place: Place) -> int:
        try:
            return self.bounds(place)[1]
        except KafkaException as error:
            if code(error) in _TOO_NEW:
                return 0
            raise

    def at_time(self, place: Place, since: int, timeout_s: float = TIMEOUT_S) -> int:
        """The offset of the first record of this time (ms) or later; the end as it is now where all is older."""
        [at] = self._consumer.offsets_for_times([TopicPartition(*place, since)], timeout=timeout_s)
        if at.error:
            raise KafkaException(at.error)
        return self.bounds(place, timeout_s)[1] if at.offset < 0 else at.offset

    def assign(self, positions: Mapping[Place, int]) -> None:
        """Read these partitions and no others, from these offsets on."""
        self.positions = dict(positions)
        self._consumer.assign([TopicPartition(*place, offset) for place, offset in positions.items()])

    def records(self, within_s: float) -> list[KafkaRecord]:
        """What has come since the last call, empty when nothing does in that time.

        Errors of partitions pass by themselves when brokers come back; `errors` has those of this call.
        """
        self.errors, found = [], []
        for message in self._consumer.consume(_BATCH, within_s):
            place, offset = (message.topic() or "", message.partition() or 0), message.offset() or 0
            error = message.error()
            if error is None:
                self.positions[place] = offset + 1
                found.append(record_of(message))
            elif error.code() == _PARTITION_EOF:
                self.positions[place] = max(offset, self.positions.get(place, 0))
            else:
                self.errors.append(error)
        return found

    def close(self) -> None:
        """Close the connections to the brokers."""
        self._consumer.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def record_of(message: "Message") -> KafkaRecord:
    """The record of a message without an error."""
    kind, timestamp = message.timestamp()
    key, value = message.key(), message.value()
    return KafkaRecord(
        message.topic() or "",
        message.partition() or 0,
        message.offset() or 0,
        timestamp if kind else -1,
        key if isinstance(key, bytes) else None,
        value if isinstance(value, bytes) else None,
    )
