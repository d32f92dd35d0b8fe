"""`jars`: fetches the Java parts ahead of time, for machines and images that have no network later."""

from pathlib import Path

import click

from runners.java.jars import resolve
from tracing_aggregator.cli.commands import examples
from tracing_aggregator.cli.config_options import read_config

GROUPS = ("beam", "java-io", "s3", "broker", "clients")


@click.command(epilog=examples("tracing-aggregator jars"))
@click.argument("groups", nargs=-1, metavar="[beam|s3|broker|clients]…", type=click.Choice(GROUPS))
@click.option("--config", "config_file", type=click.Path(path_type=Path), help="A configuration file.")
@click.option("-o", "overrides", metavar="KEY=VALUE", multiple=True, help="A setting: jars.cache=DIR, jars.mirror=URL.")
def jars(groups: tuple[str, ...], config_file: Path | None, overrides: tuple[str, ...]) -> None:
    """Fetch the Java parts now and check them, so that later starts need no network.

    Without a name `beam`, all that `run` needs; `s3` is for a Flink
    cluster with state in an object store, `broker` and `clients` are for the commands `broker` and `demo`.
    """
    settings = read_config(config_file, overrides).settings
    cache = Path(settings.jars_cache).expanduser()
    for group in groups or ("beam",):
        found = resolve(group, cache, settings.jars_mirror)
        click.echo(f"{group}: {len(found)} jars, intact, in {cache}", err=True)
