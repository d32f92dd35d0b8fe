"""`tracing-aggregator replay`: aggregate traces from files, without Kafka or Java."""

from pathlib import Path

import click
from rich.console import Console

from tracing_aggregator.cli.commands import examples
from tracing_aggregator.cli.options import read_config
from tracing_aggregator.cli.quiet import quiet_beam
from tracing_aggregator.cli.summary import summary


@click.command(
    epilog=examples(
        "tracing-aggregator replay traces.jsonl --output aggregated",
        "kcat -C -e -J -t _tracing | tracing-aggregator replay - | head",
    )
)
@click.argument("files", metavar="FILE…|-", nargs=-1, required=True)
@click.option("--output", type=click.Path(path_type=Path), help="Folder for one <topic>.jsonl per output topic.")
@click.option("--config", "config_file", type=click.Path(path_type=Path), help="A configuration file.")
@click.option("-o", "overrides", metavar="KEY=VALUE", multiple=True, help="A setting; overrides file and environment.")
def replay(files: tuple[str, ...], output: Path | None, config_file: Path | None, overrides: tuple[str, ...]) -> None:
    """Aggregate traces from FILEs (`-` is stdin): JSONL in the envelope of `kcat -J`, plain or gzip.

    Records of the tracing topic, or without a topic, are traces; records of any other topic link messages to positions
    by their headers. Output goes to stdout in the same envelope, or to --output DIR.
    """
    config = read_config(config_file, overrides)
    quiet_beam()
    with Console(stderr=True).status(f"Aggregating {', '.join(files)} …"):
        from runners.replay import replay as run

        counts = run(files, output, config.settings)
    click.echo(summary(counts), err=True)
