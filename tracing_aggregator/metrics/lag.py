"""How far the job is behind: what it has committed of the tracing topic, and where that ends."""

from collections.abc import Iterator, Mapping
from threading import Event
from typing import TYPE_CHECKING, Any, NamedTuple

from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from pipeline.config.client_properties import to_librdkafka
from pipeline.config.load import Config
from tracing_aggregator.metrics import catalogue

if TYPE_CHECKING:
    from confluent_kafka import Consumer

TIMEOUT_S = 5
#: Time between two looks, in s.
LOOK_S = 15

#: First offset and end of a partition.
Range = tuple[int, int]


class Lag(NamedTuple):
    """Records that were not read yet, and partitions with records of which none was read."""

    records: int
    unread: int


def lag_of(ranges: Mapping[int, Range], committed: Mapping[int, int]) -> Lag:
    """By partition; a committed offset below 0 is none."""
    records = sum(max(0, end - max(first, committed.get(number, -1))) for number, (first, end) in ranges.items())
    unread = sum(end > first and committed.get(number, -1) < 0 for number, (first, end) in ranges.items())
    return Lag(records, unread)


class LagWatch(Collector):
    """Looks every 15 s, for as long as it is told to; while no broker answers there are no numbers."""

    def __init__(self, config: Config) -> None:
        settings = config.settings
        self._topic, self._cluster = settings.tracing_topic, settings.cluster_name
        # The job's own group, which is asked for and never joined.
        ours: dict[str, Any] = {"group.id": settings.application_id, "enable.auto.commit": False, "log_level": 0}
        self._properties = {**to_librdkafka(config.consumer_properties()), **ours}
        self._lag: Lag | None = None

    def run(self, stop: Event) -> None:
        """Look until `stop` is set."""
        from confluent_kafka import Consumer, KafkaException

        while not stop.is_set():
            try:
                consumer = Consumer(self._properties)
                try:
                    while not stop.is_set():
                        self._lag = self._look(consumer)
                        stop.wait(LOOK_S)
                finally:
                    consumer.close()
            except KafkaException:
                self._lag = None
                stop.wait(LOOK_S)

    def _look(self, consumer: "Consumer") -> Lag | None:
        from confluent_kafka import TopicPartition

        topic = consumer.list_topics(self._topic, timeout=TIMEOUT_S).topics[self._topic]
        if topic.error:
            return None
        places = [TopicPartition(self._topic, number) for number in topic.partitions]
        ranges = {place.partition: consumer.get_watermark_offsets(place, timeout=TIMEOUT_S) for place in places}
        committed = {place.partition: place.offset for place in consumer.committed(places, timeout=TIMEOUT_S)}
        return lag_of(ranges, committed)

    def collect(self) -> Iterator[Metric]:
        """The numbers of the newest look."""
        if (lag := self._lag) is None:
            return
        for metric, value in ((catalogue.LAG, lag.records), (catalogue.UNREAD, lag.unread)):
            family = GaugeMetricFamily(metric.name, metric.help, labels=["cluster"])
            family.add_metric([self._cluster], value)
            yield family
