"""The pipeline's own numbers, taken from a real metrics server."""

import time

import pytest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector, CollectorRegistry

from pipeline.config.settings import Settings
from runners.ports import free_ports
from tracing_aggregator.dashboard.job import JobWatch, address_of
from tracing_aggregator.metrics.health import Health
from tracing_aggregator.metrics.server import MetricsServer


class Numbers(Collector):
    def collect(self):
        yield CounterMetricFamily("kafka_trace_aggregator_received_traces", "Received.", value=12)
        yield GaugeMetricFamily("kafka_trace_aggregator_unaccounted_traces", "Health.", value=0)
        yield CounterMetricFamily("kafka_trace_produced_messages", "Not of the aggregator itself.", value=7)


def status_at(port: int) -> dict:
    watch = JobWatch(Settings(metrics_port=port))
    watch.start()
    deadline = time.monotonic() + 60
    try:
        while len(watch.status()) == 1:
            assert time.monotonic() < deadline
            time.sleep(0.02)
        return watch.status()
    finally:
        watch.stop()


def test_the_aggregators_numbers_and_whether_it_is_ready_are_told():
    registry = CollectorRegistry(auto_describe=False)
    registry.register(Numbers())
    with MetricsServer("127.0.0.1", 0, registry, Health(10_000)) as server:
        assert status_at(server.port) == {
            "address": f"http://127.0.0.1:{server.port}",
            "counters": {"received_traces_total": 12, "unaccounted_traces": 0},
            "isReady": False,
            "why": "there is no job",
        }


def test_where_nobody_answers_it_says_so():
    [port] = free_ports(1)
    assert "refused" in status_at(port)["error"]


def test_where_no_metrics_are_served_nobody_is_asked():
    assert status_at(0)["error"].startswith("metrics.port=0 serves none")


@pytest.mark.parametrize(
    ("settings", "address"),
    [
        ({}, "http://127.0.0.1:8080"),
        ({"metrics_host": "0.0.0.0", "metrics_port": 9000}, "http://127.0.0.1:9000"),  # noqa: S104
        ({"metrics_host": "::"}, "http://[::1]:8080"),
        ({"metrics_host": "0.0.0.0", "metrics_address": "http://aggregator:8080/"}, "http://aggregator:8080"),  # noqa: S104
        ({"metrics_tls_cert_file": "cert.pem"}, "https://127.0.0.1:8080"),
        ({"metrics_port": 0}, ""),
    ],
)
def test_the_job_is_found_at_its_own_address_or_at_the_one_that_is_set(settings, address):
    assert address_of(Settings(**settings)) == address
