"""For tests of Python clients: librdkafka's mock cluster, which needs no Java, and what was written to it."""

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from confluent_kafka import OFFSET_BEGINNING, Consumer, Producer, TopicPartition

WITHIN_S = 20
QUIET = {"log_level": 0}


@contextmanager
def mock_cluster() -> Iterator[str]:
    """Its bootstrap servers, as long as the block runs. A topic that is named is there, with four partitions."""
    keeper = Producer(QUIET | {"bootstrap.servers": "mock", "test.mock.num.brokers": 1})
    brokers = keeper.list_topics(timeout=WITHIN_S).brokers.values()
    yield ",".join(f"{broker.host}:{broker.port}" for broker in brokers)
    keeper.flush(0)


def wait_until(is_so: Callable[[], object]) -> None:
    deadline = time.monotonic() + WITHIN_S
    while not is_so():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.02)


def raw_traces(servers: str, topic: str = "_tracing") -> list[tuple[dict, dict]]:
    """Keys and values of all that is in the topic."""
    reader = Consumer(QUIET | {"bootstrap.servers": servers, "group.id": "looking", "enable.auto.commit": False})
    try:
        partitions = reader.list_topics(topic, timeout=WITHIN_S).topics[topic].partitions
        ends = {number: reader.get_watermark_offsets(TopicPartition(topic, number))[1] for number in partitions}
        reader.assign([TopicPartition(topic, number, OFFSET_BEGINNING) for number in partitions])
        found = []
        deadline = time.monotonic() + WITHIN_S
        while len(found) < sum(ends.values()):
            assert time.monotonic() < deadline, f"{len(found)} of {ends}"
            found += [message for message in reader.consume(100, 0.2) if message.error() is None]
        return [(json.loads(message.key()), json.loads(message.value())) for message in found]
    finally:
        reader.close()
