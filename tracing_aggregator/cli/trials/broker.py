"""`broker`: a real Kafka in the foreground, for trials."""

import signal
from pathlib import Path

import click

from pipeline.config.load import Config
from runners.java.find_java import find_java
from runners.java.jars import resolve
from runners.kafka.broker import Broker, BrokerError
from tracing_aggregator.cli.commands import examples
from tracing_aggregator.cli.options import config_options

DATA = "~/.local/share/tracing-aggregator/broker"


@click.command(epilog=examples("tracing-aggregator broker --port 9192"))
@click.option("--port", default=9092, show_default=True, help="Port to listen on, on loopback; 0: any free one.")
@click.option("--data", default=DATA, show_default=True, metavar="DIR", help="Folder of its data, made if new.")
@config_options
def broker(config: Config, port: int, data: str) -> None:
    """Run a Kafka broker here, for trials and tests, until Ctrl-C.

    One node, for this machine alone. Its data stay in DIR and are there again at the next start.
    """
    settings = config.settings
    node = Broker(
        Path(data).expanduser(),
        port,
        jars=resolve("broker", settings.jars_cache, settings.jars_mirror),
        java=find_java(settings.java_home),
    )
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        with node:
            click.echo(
                f"Kafka is ready at {node.bootstrap_servers}, data in {node.data_dir}. Ctrl-C ends it.", err=True
            )
            node.process.wait(None)
        raise BrokerError("Kafka has ended by itself.", node.process.tail())
    except KeyboardInterrupt:
        click.echo("Kafka has stopped.", err=True)
