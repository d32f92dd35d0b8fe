"""`doctor`: what a report of a fault needs, in one archive."""

import time
from pathlib import Path

import click

from pipeline.config.load import Config
from tracing_aggregator.cli.commands import examples
from tracing_aggregator.cli.options import config_options


@click.command(epilog=examples("tracing-aggregator doctor config/config.properties --output report.tar.gz"))
@config_options
@click.option(
    "--output",
    metavar="FILE",
    type=click.Path(path_type=Path, dir_okay=False),
    help="The archive; tracing-aggregator-<time>.tar.gz here if not given.",
)
def doctor(config: Config, output: Path | None) -> None:
    """Gather versions, settings, topics, lags, checkpoints, metrics and the ends of logs into one archive.

    Secrets are masked. Nothing is changed, and what cannot be had is told in its place. Look through it before you
    send it: it names topics, groups and hosts.
    """
    from pipeline.log_lines import Masker
    from runners.log_keeper import secrets_of
    from tracing_aggregator.doctor.archive import written
    from tracing_aggregator.doctor.parts import parts

    file = output or Path(time.strftime("tracing-aggregator-%Y%m%dT%H%M%SZ.tar.gz", time.gmtime()))
    failed = written(parts(config), file, Masker(secrets_of(config)), lambda name: click.echo(f"  {name}", err=True))
    if failed:
        click.echo(f"Could not be had, and says why in its place: {', '.join(failed)}.", err=True)
    click.echo(file)
