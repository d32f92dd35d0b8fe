"""librdkafka's own mock of a cluster: real clients, no server."""

import pytest
from confluent_kafka import Producer


class MockCluster:
    """`produce` writes to it; each test takes topics of its own."""

    def __init__(self) -> None:
        self._producer = Producer({"bootstrap.servers": "ignored", "test.mock.num.brokers": 1})
        (broker,) = self._producer.list_topics(timeout=15).brokers.values()
        self.servers = f"{broker.host}:{broker.port}"

    def produce(self, topic: str, partition: int, *values: bytes, **more) -> None:
        for value in values:
            self._producer.produce(topic, value, b"key", partition=partition, **more)
        assert self._producer.flush(30) == 0


@pytest.fixture(scope="session")
def cluster() -> MockCluster:
    return MockCluster()
