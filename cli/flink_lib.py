"""`flink-lib`: what a Flink cluster needs of ours in Java."""

from pathlib import Path

import click

from cli.commands import examples
from cli.options import config_options
from pipeline.config import Config


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
    from runners import flink_lib

    jars = flink_lib.library(config.settings)
    flink_lib.copy_to(folder, jars)
    if plugins:
        jars += flink_lib.copy_plugin(plugins, config.settings)
    for jar in jars:
        click.echo(jar.name)
