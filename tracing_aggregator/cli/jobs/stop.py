"""`stop`: ends a run in order, with a savepoint."""

import click

from pipeline.config.load import Config
from tracing_aggregator.cli.commands import examples
from tracing_aggregator.cli.options import config_options


@click.command(epilog=examples("tracing-aggregator stop config/config.properties"))
@config_options
def stop(config: Config) -> None:
    """Stop the run with this configuration, on this machine or on the cluster `flink.master`, with a savepoint.

    Prints where the state is kept. The next `run` resumes from it.
    """
    from runners.flink.options import LOCAL

    if config.settings.flink_master == LOCAL:
        from runners.stopping import stop_embedded

        click.echo(stop_embedded(config))
    else:
        from runners.flink import cluster

        click.echo(cluster.stop(config))
