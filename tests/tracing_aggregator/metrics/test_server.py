"""A live exporter, without brokers and without a job, is scraped as Prometheus does it."""

import json
import socket
import ssl
import urllib.error
import urllib.request
from collections.abc import Iterator

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as openmetrics
from prometheus_client.parser import text_string_to_metric_families as plain
from prometheus_client.registry import CollectorRegistry

from pipeline.config.load import Config
from pipeline.config.settings import Settings
from pipeline.errors import UserError
from tests.tracing_aggregator.metrics.test_health import any_job
from tests.tracing_aggregator.metrics.test_totals import Exported, any_group, any_topic
from tests.tracing_aggregator.web.certificates import self_signed
from tracing_aggregator.metrics import exporter
from tracing_aggregator.metrics.clocks import Clocks
from tracing_aggregator.metrics.exporter import _Job, _Stats, exporting, exporting_beside
from tracing_aggregator.metrics.health import Health
from tracing_aggregator.metrics.server import MetricsServer


@pytest.fixture
def served() -> Iterator[tuple[str, Health]]:
    health, exported = Health(10_000), Exported()
    exported.take(any_topic(produced=3, cluster="c1"), any_group(latencies=(5, 70_000), actual=2, topic='odd "\\\n'))
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Job(health, "c1", 7.0))
    registry.register(_Stats(exported.totals, Clocks()))
    with MetricsServer("127.0.0.1", 0, registry, health) as server:
        yield server.address, health


def get(address: str, accept: str = "") -> tuple[int, str, str]:
    """Status, content type, text."""
    request = urllib.request.Request(address, headers={"Accept": accept} if accept else {})  # noqa: S310  loopback
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310  loopback
            return answer.status, answer.headers["Content-Type"], answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.headers["Content-Type"], error.read().decode()


@pytest.mark.parametrize(
    ("accept", "kind", "parse"),
    [
        ("", "text/plain", plain),
        ("application/openmetrics-text; version=1.0.0", "application/openmetrics-text", openmetrics),
    ],
    ids=["text", "openmetrics"],
)
def test_a_scrape_is_what_prometheus_parses(served, accept, kind, parse):
    address, health = served
    health.note(any_job(counters={"received": 4}))
    status, content_type, text = get(f"{address}/metrics", accept)
    assert (status, content_type.startswith(kind)) == (200, True)
    families = {family.name: family for family in parse(text)}
    produced = families["kafka_trace_produced_messages"]
    assert produced.type == "counter"
    assert [(sample.labels, sample.value) for sample in produced.samples] == [({"cluster": "c1", "topic": "orders"}, 3)]
    latency = families["kafka_trace_consume_latency_seconds"]
    assert latency.type == "histogram"
    assert {sample.labels["topic"] for sample in latency.samples} == {'odd "\\\n'}
    [received] = families["kafka_trace_aggregator_received_traces"].samples
    assert received.value == 4


def test_health_is_a_status_and_a_reason(served):
    address, health = served
    assert get(f"{address}/healthz")[0] == 200
    status, kind, text = get(f"{address}/readyz")
    assert (status, kind, json.loads(text)) == (
        503,
        "application/json",
        {"status": "failing", "why": "there is no job"},
    )
    health.note(any_job(started=10**14))
    assert get(f"{address}/readyz")[0] == 200


def test_other_paths_are_not_found_and_the_root_names_those_there_are(served):
    address, _ = served
    assert get(f"{address}/nothing")[0] == 404
    assert get(address)[2] == "Kafka tracing aggregator: /metrics /healthz /readyz\n"


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def config_at(port: int, tmp_path) -> Config:
    unreachable = {"bootstrap_servers": "127.0.0.1:1", "state_dir": tmp_path}
    return Config(settings=Settings(metrics_port=port, **unreachable))


def test_it_serves_without_a_broker_and_without_a_job_and_ends_in_order(tmp_path, monkeypatch):
    monkeypatch.setattr(exporter, "_END_S", 30)
    port = free_port()
    with exporting(config_at(port, tmp_path)) as address:
        assert address == f"http://127.0.0.1:{port}"
        assert "kafka_trace_aggregator_job_running" in get(f"{address}/metrics")[2]
    with socket.create_server(("127.0.0.1", port)):
        pass


def test_a_port_that_is_taken_is_an_error_alone_and_a_warning_beside_a_run(tmp_path):
    told: list[str] = []
    with socket.create_server(("127.0.0.1", 0)) as listener:
        config = config_at(listener.getsockname()[1], tmp_path)
        with pytest.raises(UserError, match=r"Cannot listen at 127\.0\.0\.1:\d+: Address already in use"):
            exporting(config).__enter__()
        with exporting_beside(config, told.append):
            pass
    [warning] = told
    assert warning.startswith("Warning: no metrics. Cannot listen")
    assert "metrics.port=0 serves none" in warning


def test_a_java_agent_keeps_the_port_that_it_is_given(tmp_path):
    told: list[str] = []
    options = {"java_option": "-javaagent:/jmx_prometheus_javaagent-0.11.0.jar=8080:/config/exporter.yml"}
    with exporting_beside(config_at(8080, tmp_path), told.append, options):
        assert told == ["No metrics of our own: a Java agent in java_option has port 8080. See metrics.port."]


def test_port_0_serves_nothing(tmp_path):
    told: list[str] = []
    with exporting_beside(config_at(0, tmp_path), told.append):
        assert told == []


def test_with_a_token_only_the_scrape_asks_for_it(tmp_path):
    port = free_port()
    config = Config(settings=Settings(metrics_port=port, metrics_token="scrape-me", bootstrap_servers="127.0.0.1:1"))
    with exporting(config) as address:
        assert get(f"{address}/metrics")[0] == 401
        assert get(f"{address}/healthz")[0] == 200
        asked = urllib.request.Request(f"{address}/metrics", headers={"Authorization": "Bearer scrape-me"})  # noqa: S310
        with urllib.request.urlopen(asked, timeout=10) as answer:  # noqa: S310  loopback
            assert answer.status == 200


def test_metrics_are_served_by_tls_where_there_is_a_certificate(tmp_path):
    cert, key = self_signed(tmp_path)
    files = {"metrics_tls_cert_file": str(cert), "metrics_tls_key_file": str(key)}
    settings = Settings(metrics_port=free_port(), bootstrap_servers="127.0.0.1:1", **files)
    with exporting(Config(settings=settings)) as address:
        assert address.startswith("https://")
        trusting = ssl.create_default_context(cafile=cert)
        with urllib.request.urlopen(f"{address}/healthz", timeout=10, context=trusting) as answer:  # noqa: S310
            assert answer.status == 200
