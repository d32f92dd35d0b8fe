"""`tracing-aggregator metrics`: the metrics of a job that runs elsewhere."""

import click

from pipeline.config.load import Config
from pipeline.errors import UserError
from tracing_aggregator.cli.commands import examples
from tracing_aggregator.cli.options import config_options
from tracing_aggregator.cli.talk import log_to_stderr, teller


@click.command(epilog=examples("tracing-aggregator metrics -b localhost:9092 -o metrics.port=8080"))
@config_options
def metrics(config: Config) -> None:
    """Serve /metrics for Prometheus, /healthz and /readyz beside a job on a Flink cluster, until Ctrl-C.

    A `run` with Flink in a JVM of ours serves them itself, at metrics.host and metrics.port.
    """
    if not config.settings.metrics_port:
        raise UserError("metrics.port=0 serves no metrics.", "Choose a port: -o metrics.port=8080")
    from runners.stop_signals import stop_request
    from tracing_aggregator.metrics.exporter import exporting

    tell = teller(config.settings, "metrics")
    log_to_stderr(config.settings, "metrics")
    with stop_request(tell, "stopping") as stop, exporting(config) as address:
        tell(f"{address}/metrics, {address}/healthz, {address}/readyz. Ctrl-C ends it.")
        while not stop.wait(1.0):
            pass
