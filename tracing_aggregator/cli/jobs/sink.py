"""`tracing-aggregator sink`: what we write, carried on into other systems."""

from typing import TYPE_CHECKING

import click

from pipeline.config.load import Config
from pipeline.errors import UserError
from tracing_aggregator.cli.commands import Commands, examples
from tracing_aggregator.cli.options import config_options

if TYPE_CHECKING:
    from tracing_aggregator.sinks.carry import Target


@click.group(cls=Commands, epilog=examples("tracing-aggregator sink otlp -b localhost:9092"))
def sink() -> None:
    """Carry aggregated traces, findings and statistics from Kafka into other systems, until Ctrl-C.

    At least once, and the same document or span for the same record: what comes twice changes nothing.
    """


@sink.command(epilog=examples("tracing-aggregator sink elasticsearch -o elasticsearch.url=http://es:9200"))
@config_options
def elasticsearch(config: Config) -> None:
    """Index them in Elasticsearch or OpenSearch, at elasticsearch.url.

    What it refuses for good goes to the dead letter topic.
    """
    from tracing_aggregator.sinks.elasticsearch.target import Elasticsearch

    target = Elasticsearch(config.settings)
    _carry(config, "elasticsearch", target.topics, target, target.address)


@sink.command(epilog=examples("tracing-aggregator sink otlp -o otlp.url=http://localhost:4318"))
@config_options
def otlp(config: Config) -> None:
    """Export messages as spans to an OpenTelemetry receiver, at otlp.url.

    `send T`, `poll T` linked to it, and `commit T`; the ids follow from the correlationId.
    """
    try:
        from tracing_aggregator.sinks.otlp.target import Otlp
    except ModuleNotFoundError as error:
        raise UserError(
            f"This sink needs {error.name}, which is not installed.", "Install it: pip install '.[otlp]'"
        ) from error
    target = Otlp(config.settings)
    _carry(config, "otlp", target.topics, target, target.address)


def _carry(config: Config, name: str, topics: tuple[str, ...], target: "Target", address: str) -> None:
    from runners.stop_signals import stop_request
    from tracing_aggregator.sinks.carry import carry, summary

    _tell(f"Writing to {address}.")
    with stop_request(_tell, "ending once the records in hand are written") as stop:
        tally = carry(config, name, topics, target, stop, _tell)
    _tell(summary(tally))


def _tell(line: str) -> None:
    click.echo(line, err=True)
