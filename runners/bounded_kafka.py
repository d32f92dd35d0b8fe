"""Runs the graph over what Kafka retains now: read to the end offsets at start, written back to Kafka."""

from collections import Counter
from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING

from pipeline.config.client_properties import to_librdkafka
from pipeline.config.load import Config
from pipeline.graph import Sinks, build
from pipeline.io.read_from_kafka import KafkaRanges
from pipeline.io.read_ranges import Range
from pipeline.io.topics_to_read import TopicsToRead
from pipeline.io.write_to_kafka import WriteToKafka
from runners.direct import run_graph
from runners.kafka.compacted_topics import with_compacted_topics
from runners.kafka.positions import bounds
from runners.kafka.read_plan import Partitions, admin_client, partitions

if TYPE_CHECKING:
    from confluent_kafka import Consumer

_TIMEOUT_S = 15


def run(config: Config, tell: Callable[[str], None]) -> Counter[str]:
    """Aggregate everything retained, from `direct.read.from` on, and return the counters.

    Raises UserError when no broker answers or there is no tracing topic.
    """
    from confluent_kafka import Consumer

    settings = config.settings
    admin = admin_client(config)
    found = partitions(admin, settings)
    consumer = Consumer(to_librdkafka(config.consumer_properties()))
    try:
        ranges = ranges_of(consumer, found, settings.direct_read_from)
    finally:
        consumer.close()
    records = sum(one.end - one.start for one in ranges)
    tell(f"Reading {records} records of {', '.join(found)} up to now; then this run ends.")
    producer = config.producer_properties()
    sinks = Sinks(*(WriteToKafka(topic, producer, settings.dead_letter_topic) for topic in settings.output_topics()))
    settings = with_compacted_topics(admin, settings, tell)
    source = KafkaRanges(ranges, TopicsToRead.of(settings), config.consumer_properties())
    return run_graph(lambda pipeline: build(pipeline, source, sinks, settings))


def ranges_of(consumer: "Consumer", found: Partitions, since: str) -> list[Range]:
    """Per partition the offsets retained now; with `since` (ISO-8601) only records of that time or later."""
    from confluent_kafka import TopicPartition

    ranges = []
    for topic, count in found.items():
        for partition in range(count):
            low, end = bounds(consumer, topic, partition)
            if since:
                millis = int(datetime.fromisoformat(since).timestamp() * 1000)
                [at] = consumer.offsets_for_times([TopicPartition(topic, partition, millis)], timeout=_TIMEOUT_S)
                low = end if at.offset < 0 else at.offset
            ranges.append(Range(topic, partition, low, end))
    return ranges
