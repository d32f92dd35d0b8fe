"""The output topics in Kafka, from a time on, up to the offsets at which they end now."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import orjson

from pipeline.config.load import Config
from pipeline.errors import UserError
from runners.kafka.admin import TIMEOUT_S, Admin, talking_to_brokers
from runners.kafka.topic_tail import Place, TopicTail
from tracing_aggregator.explain.gather import Value
from transforms.input.dates import date_of

#: A partition that gives nothing for this long is given up: the broker is gone.
_STALLED_S = 30.0
_POLL_S = 0.5

Tell = Callable[[str, int, int], None]
"""Told of progress: the topic, the records read of it, and how many it has."""


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
        self._tail = TopicTail(config)
        with talking_to_brokers():
            places = self._tail.places(self._names)
            self._ranges = {place: self._range(place, since) for place in places}
        start = "" if since is None else f" since {date_of(since)}"
        self.looked_at = [
            f"topic {name} at {settings.bootstrap_servers}{start}: {_size(self._ranges_of(name))} records"
            for name in dict.fromkeys(topic for topic, _ in places)
        ]

    def records(self) -> Iterator[Value]:
        """The values of the aggregated topic."""
        return self._read(self._names[0])

    def findings(self) -> Iterator[Value]:
        """The values of the anomaly topic; those of one id have one key, so they lie in one partition in order."""
        return self._read(self._names[1])

    def close(self) -> None:
        """Close the connections to the brokers."""
        self._tail.close()

    def _range(self, place: Place, since: int | None) -> range:
        low, end = self._tail.bounds(place)
        return range(low if since is None else min(self._tail.at_time(place, since), end), end)

    def _ranges_of(self, topic: str) -> dict[Place, range]:
        return {place: offsets for place, offsets in self._ranges.items() if place[0] == topic}

    def _read(self, topic: str) -> Iterator[Value]:
        ranges = {place: offsets for place, offsets in self._ranges_of(topic).items() if offsets}
        total, read, quiet = _size(ranges), 0, 0.0
        self._tail.assign({place: offsets.start for place, offsets in ranges.items()})
        while any(self._tail.positions[place] < offsets.stop for place, offsets in ranges.items()):
            with talking_to_brokers():
                records = self._tail.records(_POLL_S)
            quiet = 0.0 if records else quiet + _POLL_S
            if quiet >= _STALLED_S:
                raise UserError(
                    f"{topic} gave nothing for {_STALLED_S:.0f} s.", "Are the brokers up? See: tracing-aggregator check"
                )
            if self._tail.errors:
                why = self._tail.errors[0].str()
                raise UserError(f"{topic} cannot be read: {why}.", "See: tracing-aggregator check")
            for record in records:
                if record.offset in ranges[record.topic, record.partition]:
                    read += 1
                    value = _parsed(record.value)
                    if isinstance(value, dict) and "id" in value:
                        yield value
            self._tell(topic, read, total)


def _size(ranges: Mapping[Place, range]) -> int:
    return sum(map(len, ranges.values()))


def _parsed(payload: bytes | None) -> Any:
    """The JSON value; None if the payload is not JSON, which the aggregator never writes."""
    try:
        return None if payload is None else orjson.loads(payload)
    except ValueError:
        return None
