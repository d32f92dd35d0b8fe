"""`flink-lib`: what a Flink cluster needs of ours in Java."""

from pathlib import Path

import click

from pipeline.config.load import Config
from tracing_aggregator.cli.commands import examples
from tracing_aggregator.cli.config_options import config_options


@click.command("flink-lib", epilog=examples("tracing-aggregator flink-lib /opt/flink/lib"))
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path))
@click.option(
    "--s3-plugin",
    "plugins",
    metavar="PLUGINS",
    type=click.Path(file_okay=False, path_type=Path),
    help="Copy Flink's plugin for s3:// too, into this folder of plugins, for state in an object store.",
)
@config_options
def flink_lib(config: Config, folder: Path, plugins: Path | None) -> None:
    """Copy the jars that a Flink 1.19 cluster needs into FOLDER, its `lib`, and print their names.

    Each machine of the cluster needs them, and `classloader.resolve-order: parent-first`: see docs/operations.md.
    """
    from runners.flink import cluster_jars

    jars = cluster_jars.library(config.settings)
    cluster_jars.copy_to(folder, jars)
    if plugins:
        jars += cluster_jars.copy_plugin(plugins, config.settings)
    for jar in jars:
        click.echo(jar.name)
