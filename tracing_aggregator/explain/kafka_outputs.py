"""The output topics in Kafka, from a time on, up to the offsets at which they end now."""

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import orjson

from pipeline.config.client_properties import to_librdkafka
from pipeline.config.load import Config
from pipeline.errors import UserError
from runners.kafka.admin import TIMEOUT_S, Admin, talking_to_brokers
from tracing_aggregator.explain.gather import Value
from transforms.input.dates import date_of

#: A partition that gives nothing for this long is given up: the broker is gone.
_STALLED_S = 30.0
_POLL_S = 0.5
_BATCH = 1000

Tell = Callable[[str, int, int], None]
"""Told of progress: the topic, the records read of it, and how many it has."""


class _Range(NamedTuple):
    partition: int
    start: int
    end: int


class KafkaOutputs:
    """The aggregated and the anomaly topic. Both are read to the offsets at which they ended at construction.

    Args:
        config: brokers and topics.
        since: only records of this time (ms since the epoch) or later; None: all that is retained.
        tell: called each second or so while a topic is read.

    Raises:
        UserError: no broker answers, or there is no aggregated topic.
    """

    def __init__(self, config: Config, since: int | None, tell: Tell) -> None:
        from confluent_kafka import Consumer

        settings = config.settings
        topics = Admin(config).client.list_topics(timeout=TIMEOUT_S).topics
        if settings.aggregated_topic not in topics:
            raise UserError(
                f"There is no topic {settings.aggregated_topic} at {settings.bootstrap_servers}.",
                "Aggregate first: tracing-aggregator run. Or explain raw traces: "
                "tracing-aggregator explain … --traces FILE",
            )
        self._names = settings.aggregated_topic, settings.anomaly_topic
        self._tell = tell
        properties: dict[str, Any] = to_librdkafka(config.consumer_properties())
        properties |= {
            "enable.auto.commit": False,
            "enable.partition.eof": True,
            "auto.offset.reset": "earliest",
            "log_level": 0,
        }
        self._consumer = Consumer(properties)
        with talking_to_brokers():
            self._ranges = {
                name: [self._range(name, partition, since) for partition in topics[name].partitions]
                for name in self._names
                if name in topics
            }
        start = "" if since is None else f" since {date_of(since)}"
        self.looked_at = [
            f"topic {name} at {settings.bootstrap_servers}{start}: {_size(ranges)} records"
            for name, ranges in self._ranges.items()
        ]

    def records(self) -> Iterator[Value]:
        """The values of the aggregated topic."""
        return self._read(self._names[0])

    def findings(self) -> Iterator[Value]:
        """The values of the anomaly topic; those of one id have one key, so they lie in one partition in order."""
        return self._read(self._names[1])

    def close(self) -> None:
        """Leave the brokers."""
        self._consumer.close()

    def _range(self, topic: str, partition: int, since: int | None) -> _Range:
        from confluent_kafka import TopicPartition

        low, end = self._consumer.get_watermark_offsets(TopicPartition(topic, partition), timeout=TIMEOUT_S)
        if since is not None:
            [at] = self._consumer.offsets_for_times([TopicPartition(topic, partition, since)], timeout=TIMEOUT_S)
            low = end if at.offset < 0 else at.offset
        return _Range(partition, low, end)

    def _read(self, topic: str) -> Iterator[Value]:
        from confluent_kafka import TopicPartition

        ranges = [one for one in self._ranges.get(topic, ()) if one.start < one.end]
        if not ranges:
            return
        with talking_to_brokers():
            self._consumer.assign([TopicPartition(topic, one.partition, one.start) for one in ranges])
            yield from self._consume(topic, ranges)
            self._consumer.unassign()

    def _consume(self, topic: str, ranges: list[_Range]) -> Iterator[Value]:
        """The records of these ranges. A range may end with what is no record: then the partition's end is told."""
        from confluent_kafka import KafkaError

        ends, total, read, quiet = {one.partition: one.end for one in ranges}, _size(ranges), 0, 0.0
        while ends:
            messages = self._consumer.consume(_BATCH, _POLL_S)
            quiet = 0.0 if messages else quiet + _POLL_S
            if quiet >= _STALLED_S:
                raise UserError(
                    f"{topic} gave nothing for {_STALLED_S:.0f} s.", "Are the brokers up? See: tracing-aggregator check"
                )
            for message in messages:
                partition, offset, error = message.partition() or 0, message.offset() or 0, message.error()
                if error is not None and error.code() != KafkaError._PARTITION_EOF:  # noqa: SLF001  its public name
                    raise UserError(f"{topic} cannot be read: {error.str()}.", "See: tracing-aggregator check")
                end = ends.get(partition, 0)
                if error is not None or offset + 1 >= end:
                    ends.pop(partition, None)
                if error is None and offset < end:
                    read += 1
                    value = _parsed(message.value())
                    if isinstance(value, dict) and "id" in value:
                        yield value
            self._tell(topic, read, total)


def _size(ranges: list[_Range]) -> int:
    return sum(one.end - one.start for one in ranges)


def _parsed(payload: str | bytes | None) -> Any:
    """What is no JSON is none of ours."""
    try:
        return None if payload is None else orjson.loads(payload)
    except ValueError:
        return None
