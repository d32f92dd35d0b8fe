"""How the dashboard itself is: `/healthz` for probes and `/metrics` for Prometheus."""

from collections.abc import Callable, Iterator
from typing import Any

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from tracing_aggregator.dashboard.live import Changes
from tracing_aggregator.dashboard.store import Reader
from tracing_aggregator.web.connections import Connections

_PREFIX = "kafka_trace_dashboard_"
FOLLOWING = GaugeMetricFamily, f"{_PREFIX}following", "1 while the output topics are read, else 0."
LAG = GaugeMetricFamily, f"{_PREFIX}lag_records", "Records of the output topics that are not in the store yet."
SIZE = GaugeMetricFamily, f"{_PREFIX}store_bytes", "Size of the store."
STREAMS = GaugeMetricFamily, f"{_PREFIX}event_streams", "Pages that are told of changes now."
OPEN = GaugeMetricFamily, f"{_PREFIX}connections", "Connections that are open now."
UNHEARD = CounterMetricFamily, f"{_PREFIX}event_streams_refused_total", "Event streams refused: there were too many."
REFUSED = CounterMetricFamily, f"{_PREFIX}connections_refused_total", "Connections refused: there were too many."
METRICS = (FOLLOWING, LAG, SIZE, STREAMS, OPEN, UNHEARD, REFUSED)


class Vitals(Collector):
    """The numbers of one dashboard; `status` tells how the reading of Kafka is."""

    def __init__(
        self, reader: Reader, changes: Changes, connections: Connections, status: Callable[[], dict[str, Any]]
    ) -> None:
        self._reader = reader
        self._changes = changes
        self._connections = connections
        self._status = status

    def alive(self) -> tuple[bool, str]:
        """Whether a restart would help, which it does not while brokers are away; and why."""
        try:
            self._reader.value("SELECT 1 FROM meta LIMIT 1")
        except Exception as error:  # noqa: BLE001  whatever it is, the store cannot be read
            return False, f"the store cannot be read: {error}"
        return True, str(self._status().get("state", "ok"))

    def collect(self) -> Iterator[Metric]:
        """All metrics, as they are now."""
        following = self._status().get("state") == "following"
        lag = self._reader.value("SELECT coalesce(sum(max(end - next, 0)), 0) FROM partitions")
        size = self._reader.path.stat().st_size
        values = (
            float(following),
            lag,
            size,
            self._changes.streams,
            len(self._connections),
            self._changes.refused,
            self._connections.refused,
        )
        for (family, name, text), value in zip(METRICS, values, strict=True):
            yield family(name, text, value=value)
