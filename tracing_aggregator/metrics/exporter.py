"""The exporter: reads statistics, looks at the job, and serves both. It runs beside a job, never in its way."""

import os
import re
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from threading import Event, Thread

from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector, CollectorRegistry

from pipeline.config.load import Config
from pipeline.config.settings import Settings
from pipeline.errors import UserError
from tracing_aggregator.metrics import catalogue
from tracing_aggregator.metrics.clocks import Clocks
from tracing_aggregator.metrics.health import Health
from tracing_aggregator.metrics.job import families, look
from tracing_aggregator.metrics.lag import LagWatch
from tracing_aggregator.metrics.metrics_server import MetricsServer
from tracing_aggregator.metrics.observed import ObservedLag
from tracing_aggregator.metrics.reader import StatsReader
from tracing_aggregator.metrics.totals import StatsTotals
from tracing_aggregator.web.server import Tls
from tracing_aggregator.web.tokens import Tokens

#: The statistics of this long before the start are counted too, in s: what a restart would miss.
LOOKBACK_S = 300
#: Time between two looks at the job, in s.
LOOK_S = 10
_END_S = 2
_HOUR_MS = 3_600_000


@contextmanager
def exporting(config: Config) -> Iterator[str]:
    """Serve at `metrics.host` and `metrics.port` for the length of the block, which gets the address.

    Raises UserError if the port is taken.
    """
    settings, stop = config.settings, Event()
    now_ms, change_ms = int(time.time() * 1000), windows_change_for(settings)
    totals, clocks, observed = StatsTotals(now_ms - LOOKBACK_S * 1000, change_ms), Clocks(), ObservedLag(change_ms)
    health = Health(settings.checkpoint_interval_ms)
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Job(health, settings.cluster_name, now_ms / 1000))
    lag = LagWatch(config)
    registry.register(lag)
    registry.register(_Stats(totals, clocks, observed))
    with ExitStack() as stack:
        server = stack.enter_context(_server(settings, registry, health))
        # From where a window that is still open may have its last record.
        reader = StatsReader(config, now_ms - change_ms, totals.take, clocks.take, observed.take)
        threads = [
            Thread(target=reader.run, args=(stop,), name="metrics-statistics", daemon=True),
            Thread(target=lag.run, args=(stop,), name="metrics-lag", daemon=True),
            Thread(target=_watch, args=(settings, health, stop), name="metrics-job", daemon=True),
        ]
        for thread in threads:
            thread.start()
        try:
            yield server.address
        finally:
            stop.set()
            for thread in threads:
                thread.join(_END_S)


@contextmanager
def exporting_beside(
    config: Config, tell: Callable[[str], None], environ: Mapping[str, str] = os.environ
) -> Iterator[None]:
    """The same beside a run, which is worth more than its metrics: if they cannot be served, `tell` hears of it."""
    port = config.settings.metrics_port
    if not port:
        yield
        return
    if re.search(rf"-javaagent:\S+[=:]{port}\b", environ.get("java_option", "")):
        tell(f"No metrics of our own: a Java agent in java_option has port {port}. See metrics.port.")
        yield
        return
    with ExitStack() as stack:
        try:
            tell(f"Metrics: {stack.enter_context(exporting(config))}/metrics")
        except UserError as error:
            tell(f"Warning: no metrics. {error}")
        yield


def windows_change_for(settings: Settings) -> int:
    """How long (ms) after its start a window may change, clocks that are ahead allowed for."""
    return settings.retention_ms + settings.retention_ms // 24 + settings.date_max_ahead_ms + _HOUR_MS


def _server(settings: Settings, registry: CollectorRegistry, health: Health) -> MetricsServer:
    tokens = Tokens.of(settings.metrics_token)
    cert, key = (
        Path(file) if file else None for file in (settings.metrics_tls_cert_file, settings.metrics_tls_key_file)
    )
    tls = Tls.of(cert, key)
    try:
        return MetricsServer(settings.metrics_host, settings.metrics_port, registry, health, tokens, tls)
    except OSError as error:
        raise UserError(
            f"Cannot listen at {settings.metrics_host}:{settings.metrics_port}: {error.strerror or error}.",
            "Choose another place: -o metrics.port=… or metrics.host=…; metrics.port=0 serves none.",
        ) from error


def _watch(settings: Settings, health: Health, stop: Event) -> None:
    while not stop.is_set():
        health.note(look(settings))
        stop.wait(LOOK_S)


class _Job(Collector):
    def __init__(self, health: Health, cluster: str, started: float) -> None:
        self._health = health
        self._cluster = cluster
        self._started = started

    def collect(self) -> Iterator[Metric]:
        started = GaugeMetricFamily(catalogue.STARTED.name, catalogue.STARTED.help, labels=["cluster"])
        started.add_metric([self._cluster], self._started)
        yield started
        yield from families(self._health.job, self._cluster)


class _Stats(Collector):
    def __init__(self, *parts: StatsTotals | Clocks | ObservedLag) -> None:
        self._parts = parts

    def collect(self) -> Iterator[Metric]:
        for part in self._parts:
            yield from part.collect()
