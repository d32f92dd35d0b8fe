"""The Kafka reader against librdkafka's own mock cluster: a broker in this process."""

from collections.abc import Iterator
from typing import Any

import orjson
import pytest
from confluent_kafka import Producer
from confluent_kafka.admin import AdminClient

from pipeline.config.load import Config, load_config
from pipeline.errors import UserError
from tests.tracing_aggregator.explain.cases import Value, acked, consumed, found, sent
from tracing_aggregator.explain import kafka_outputs
from tracing_aggregator.explain.kafka_outputs import KafkaOutputs
from tracing_aggregator.explain.sources import explain
from tracing_aggregator.explain.subject import subject_of


class Cluster:
    """A mock cluster; it lives as long as its producer."""

    def __init__(self) -> None:
        self.producer = Producer({"bootstrap.servers": "mock", "test.mock.num.brokers": 1, "log_level": 0})
        [broker] = self.producer.list_topics(timeout=10).brokers.values()
        self.config: Config = load_config(None, {}, [f"bootstrap.servers={broker.host}:{broker.port}"])

    def write(self, topic: str, values: list[Value | bytes | None]) -> None:
        for number, value in enumerate(values):
            payload = orjson.dumps(value) if isinstance(value, dict) else value
            self.producer.produce(topic, payload, key=str(number).encode())
        assert self.producer.flush(10) == 0


@pytest.fixture
def cluster(monkeypatch) -> Iterator[Cluster]:
    """A mock cluster cannot describe itself, so its admin client is made without asking for that."""

    class PlainAdmin:
        def __init__(self, config: Config) -> None:
            self.client = AdminClient({"bootstrap.servers": config.settings.bootstrap_servers})

    monkeypatch.setattr(kafka_outputs, "Admin", PlainAdmin)
    return Cluster()


def read(cluster: Cluster, tell: Any = lambda *_: None) -> KafkaOutputs:
    return KafkaOutputs(cluster.config, None, tell)


def test_both_topics_are_read_over_all_partitions_and_no_longer_than_they_were(cluster):
    noise = [consumed(n, offset=n, correlationId=f"n{n}", id=f"n{n}") for n in range(2000, 2100)]
    cluster.write("_aggregatedTrace", [acked(), *noise, sent(), None, b"no json", b"[]"])
    cluster.write("_traceAnomaly", [found("unacked")])
    told = []
    outputs = read(cluster, lambda *progress: told.append(progress))
    cluster.write("_aggregatedTrace", [consumed()])
    try:
        shown = explain(outputs, subject_of("c"))
    finally:
        outputs.close()
    assert [step.type for step in shown.messages[0].steps] == ["SEND", "ACK", "GAP"]
    assert [one["reason"] for one in shown.findings] == ["unacked"]
    assert ("_aggregatedTrace", 105, 105) in told
    assert outputs.looked_at[0].endswith(": 105 records")


def test_without_an_anomaly_topic_the_timeline_has_no_findings(cluster):
    cluster.write("_aggregatedTrace", [sent()])
    outputs = read(cluster)
    shown = explain(outputs, subject_of("orders/0/42"))
    outputs.close()
    assert (len(shown.messages), shown.findings, len(outputs.looked_at)) == (1, (), 1)


def test_without_an_aggregated_topic_the_user_is_told_what_to_do(cluster):
    cluster.write("other", [sent()])
    with pytest.raises(UserError, match="There is no topic _aggregatedTrace"):
        read(cluster)
