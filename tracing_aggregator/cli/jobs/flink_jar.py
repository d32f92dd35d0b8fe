"""`flink-jar`: the job for a Flink cluster in application mode."""

import shlex
from pathlib import Path

import click

from pipeline.config.load import Config
from tracing_aggregator.cli.commands import examples
from tracing_aggregator.cli.config_options import config_options


@click.command("flink-jar", epilog=examples("tracing-aggregator flink-jar usrlib/job.jar config/config.properties"))
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@click.option(
    "--refer-to-variables",
    is_flag=True,
    help="Write of a secret that a KAFKATRACE_… variable gives that name alone: the cluster must have it too.",
)
@config_options
def flink_jar(config: Config, file: Path, refer_to_variables: bool) -> None:
    """Write the job into FILE, a jar for Flink's `lib`, and print what `standalone-job.sh start` is told.

    For a cluster in application mode: it runs this one job with these settings. See docs/operations.md.
    """
    from runners.flink import job_jar
    from runners.flink.runner import tell_of_secrets
    from runners.kafka_graph import kafka_graph
    from runners.secrets_in_env import by_variable

    def tell(line: str) -> None:
        click.echo(line, err=True)

    if refer_to_variables:
        config = by_variable(config)
    tell_of_secrets(config, tell)
    click.echo(shlex.join(job_jar.write(config, kafka_graph(config, tell), file)))
