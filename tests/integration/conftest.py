import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from confluent_kafka import Producer
from confluent_kafka.admin import AdminClient, NewTopic

from pipeline.envelope import from_line
from runners.kafka.broker import Broker
from tests.integration.aggregations import settings, tracing_aggregator
from tests.integration.search_server import SearchServer

pytest.register_assert_rewrite("tests.integration.truth_on_the_dashboard")


@pytest.fixture(scope="session")
def shared_broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    """One for all tests that leave it as it is; each takes topics of its own."""
    with Broker(tmp_path_factory.mktemp("shared-broker")) as running:
        yield running


@pytest.fixture(scope="session")
def search_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SearchServer]:
    """One for all tests of documents; what they leave there has names of its own."""
    with SearchServer(tmp_path_factory.mktemp("opensearch")) as running:
        yield running


@pytest.fixture(scope="session")
def aggregated(shared_broker: Broker, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The configuration of a run that has aggregated genuine traces, one ACK aside, for sinks to read its topics."""
    servers, name = shared_broker.bootstrap_servers, "carried"
    given = settings(servers, name, tmp_path_factory.mktemp(name), tracing_topic="carried-tracing", unacked_ms="500")
    # It keeps the times of then, and the records although they are old.
    kept = {"message.timestamp.type": "CreateTime", "retention.ms": "-1"}
    topic = NewTopic(given["tracing.topic"], 1, config=kept)
    admin = AdminClient({"bootstrap.servers": servers})
    admin.create_topics([topic])[topic.topic].result(30)
    producer = Producer({"bootstrap.servers": servers})
    for line in (Path(__file__).parents[1] / "data" / "real_traces.jsonl").read_bytes().splitlines():
        record = from_line(line)
        trace = json.loads(record.value or b"")
        if (trace["type"], trace.get("partition"), trace.get("offset")) != ("ACK", 1, 3):
            producer.produce(given["tracing.topic"], record.value, record.key, timestamp=record.timestamp)
    assert producer.flush(30) == 0
    tracing_aggregator("topics", given=given)
    tracing_aggregator("run", "--runner=direct", given=given)
    return given
