"""`flink-jar`: the job for a Flink cluster in application mode."""

import shlex
from pathlib import Path

import click

from pipeline.config.load import Config
from tracing_aggregator.cli.commands import examples
from tracing_aggregator.cli.options import config_options


@click.command("flink-jar", epilog=examples("tracing-aggregator flink-jar usrlib/job.jar config/config.properties"))
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@config_options
def flink_jar(config: Config, file: Path) -> None:
    """Write the job into FILE, a jar for Flink's `lib`, and print what `standalone-job.sh start` is told.

    For a cluster in application mode: it runs this one job with these settings. See docs/operations.md.
    """
    from runners.flink import job_jar
    from runners.kafka_graph import kafka_graph

    def tell(line: str) -> None:
        click.echo(line, err=True)

    click.echo(shlex.join(job_jar.write(config, kafka_graph(config, tell), file)))
