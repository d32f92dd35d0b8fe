"""The pipeline's own numbers, taken from a real metrics server."""

import time

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector, CollectorRegistry

from dashboard.job import JobWatch
from metrics.health import Health
from metrics.server import MetricsServer
from pipeline.settings import Settings
from runners.ports import free_ports


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
            "address": f"127.0.0.1:{server.port}",
            "counters": {"received_traces_total": 12, "unaccounted_traces": 0},
            "isReady": False,
            "why": "there is no job",
        }


def test_where_nobody_answers_it_says_so():
    [port] = free_ports(1)
    assert "refused" in status_at(port)["error"]


def test_where_no_metrics_are_served_nobody_is_asked():
    assert status_at(0)["error"] == "metrics.port=0 serves none"
