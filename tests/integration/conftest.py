from collections.abc import Iterator
from pathlib import Path

import pytest
from confluent_kafka import Producer

from pipeline.envelope import from_line
from runners.broker import Broker
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
    """The configuration of a run that has aggregated genuine traces, for sinks to read its topics."""
    servers, name = shared_broker.bootstrap_servers, "carried"
    given = settings(servers, name, tmp_path_factory.mktemp(name), tracing_topic="carried-tracing")
    tracing_aggregator("topics", given=given)
    producer = Producer({"bootstrap.servers": servers})
    for line in (Path(__file__).parents[1] / "data" / "real_traces.jsonl").read_bytes().splitlines():
        trace = from_line(line)
        producer.produce(given["tracing.topic"], trace.value, trace.key)
    assert producer.flush(30) == 0
    tracing_aggregator("run", "--runner=direct", given=given)
    return given
