"""`ingest`: raw traces from what other tools know."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from pipeline.config.load import Config
from pipeline.errors import UserError
from tracing_aggregator.cli.commands import Commands, examples
from tracing_aggregator.cli.options import config_options, server_options
from tracing_aggregator.cli.talk import log_to_stderr, teller

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tracing_aggregator.ingest.records import Record


@click.group(cls=Commands, epilog=examples("tracing-aggregator ingest otlp --port 4318"))
def ingest() -> None:
    """Turn what other tools know about messages into raw traces."""


@ingest.command(
    epilog=examples(
        "tracing-aggregator ingest otlp -b localhost:9092",
        "tracing-aggregator ingest otlp --file spans.jsonl --stdout > traces.jsonl",
    )
)
@config_options
@click.option("--port", default=4318, show_default=True, type=click.IntRange(0, 65535), help="0 takes any free one.")
@server_options
@click.option(
    "--file",
    "files",
    metavar="FILE",
    multiple=True,
    type=click.Path(exists=True, dir_okay=False, allow_dash=True),
    help="OTLP JSON lines instead of requests; -: stdin.",
)
@click.option("--stdout", "to_stdout", is_flag=True, help="With --file: to stdout, for `replay -`, instead of Kafka.")
@click.option(
    "--consumption",
    type=click.Choice(["process", "receive"]),
    default="process",
    show_default=True,
    help="Which spans are deliveries: a message may have one of each kind.",
)
def otlp(
    config: Config,
    port: int,
    host: str,
    token: str | None,
    token_file: Path | None,
    tls_cert: Path | None,
    tls_key: Path | None,
    access_log: bool,
    files: tuple[str, ...],
    to_stdout: bool,
    consumption: str,
) -> None:
    """Receive spans by OTLP/HTTP, and write what they say about messages to the tracing topic, until Ctrl-C.

    So messages of applications with OpenTelemetry, and without interceptors, are seen too (docs/wire-format.md).
    """
    if to_stdout and not files:
        raise click.UsageError("--stdout is for --file: a receiver answers when the records are in Kafka.")
    try:
        from tracing_aggregator.ingest.deliver import Delivery, NotDeliveredError
        from tracing_aggregator.ingest.raw_traces import Consumption
        from tracing_aggregator.ingest.records import Topics
        from tracing_aggregator.ingest.serve import Where, serve, summary, take_files
    except ModuleNotFoundError as error:
        raise UserError(
            f"Spans need {error.name}, which is not installed.", "Install it: pip install '.[otlp]'"
        ) from error
    from pipeline.config.client_properties import to_librdkafka
    from tracing_aggregator.web.server import Tls
    from tracing_aggregator.web.tokens import Tokens

    settings, chosen = config.settings, Consumption(consumption)
    topics = Topics(settings.tracing_topic, settings.dead_letter_topic)
    deliver = _print if to_stdout else Delivery(to_librdkafka(config.producer_properties()))
    if not files:
        where = Where(host, port, Tokens.of(token, file=token_file), Tls.of(tls_cert, tls_key), access_log=access_log)
        log_to_stderr(settings, "ingest")
        serve(where, topics, chosen, deliver, teller(settings, "ingest"))
        return
    try:
        _tell(summary(take_files(files, topics, chosen, deliver)))
    except NotDeliveredError as error:
        raise UserError(
            f"Kafka at {settings.bootstrap_servers} did not take the records: {error}.",
            "Look into it with: tracing-aggregator check; then do it again: the same spans give the same traces.",
        ) from error


def _print(records: "Sequence[Record]") -> None:
    from pipeline.envelope import to_line

    for record in records:
        sys.stdout.buffer.write(to_line(*record))
    sys.stdout.buffer.flush()


def _tell(line: str) -> None:
    click.echo(line, err=True)
