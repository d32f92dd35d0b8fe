"""`tracing-aggregator check`: what would keep a run from working, all at once, each with what to do."""

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import click

from pipeline.errors import ConfigError, UserError
from tracing_aggregator.cli.commands import examples
from tracing_aggregator.cli.options import config_arguments, read_config, with_brokers
from tracing_aggregator.cli.unreachable import explained

if TYPE_CHECKING:
    from pipeline.config.settings import Settings
    from runners.kafka.preflight import Verdict

COLOURS = {"ok": "green", "problem": "red", "advice": "yellow"}


@click.command(
    epilog=examples("tracing-aggregator check config/config.properties", "tracing-aggregator check -b localhost:9092")
)
@config_arguments
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
@click.option(
    "--messages-per-second",
    "rate",
    metavar="N",
    type=click.FloatRange(min=1),
    help="Say too which settings, and how much disk, are not enough for so many.",
)
@click.option("--groups", default=1, show_default=True, type=click.IntRange(min=0), help="That read each of them.")
@click.pass_context
def check(
    ctx: click.Context,
    config_file: Path | None,
    overrides: tuple[str, ...],
    as_json: bool,
    rate: float | None,
    groups: int,
) -> None:
    """Check configuration, brokers, topics and permissions; change nothing.

    Ends with 1 if anything would keep a run from working.
    """
    import orjson

    verdicts = _verdicts(config_file, overrides, rate, groups)
    if as_json:
        click.echo(orjson.dumps([verdict._asdict() for verdict in verdicts], option=orjson.OPT_INDENT_2))
    else:
        for verdict in verdicts:
            level = click.style(f"{verdict.level:8}", fg=COLOURS[verdict.level], bold=verdict.level == "problem")
            click.echo(f"{level} {verdict.subject}: {verdict.message}")
            for line in verdict.todo.splitlines():
                click.echo(f"         {line}")
    problems = sum(verdict.level == "problem" for verdict in verdicts)
    click.echo(f"{problems} problem{'' if problems == 1 else 's'} found.", err=True)
    ctx.exit(1 if problems else 0)


def _verdicts(config_file: Path | None, overrides: tuple[str, ...], rate: float | None, groups: int) -> "list[Verdict]":
    """Verdicts as far as one can get: nothing can be asked without a configuration, or without a broker."""
    from runners.kafka.preflight import Verdict, preflight

    try:
        config = read_config(config_file, overrides)
    except ConfigError as error:
        return [Verdict("problem", "configuration", mistake, error.todo) for mistake in error.mistakes]
    known = [Verdict("ok", "configuration", str(config_file or "defaults"))]
    if rate is not None:
        known += _of_rate(config.settings, rate, groups)
    try:
        found = [*known, *preflight(config)]
        return [one._replace(todo=with_brokers(one.todo, config, config_file)) for one in found]
    except UserError as error:
        explained(error, config.settings.bootstrap_servers)
        return [*known, Verdict("problem", f"brokers {config.settings.bootstrap_servers}", error.message, error.todo)]


def _of_rate(settings: "Settings", rate: float, groups: int) -> "list[Verdict]":
    from pipeline.config.setting_types import LOCAL_MASTER
    from runners.kafka.preflight import Verdict
    from tracing_aggregator.sizing.advice import findings
    from tracing_aggregator.sizing.model import Demand

    is_here = settings.runner == "flink" and settings.flink_master == LOCAL_MASTER
    free = _free(settings.state_dir) if is_here else None
    demand = Demand(rate, groups, settings.retention_ms / 1000)
    return [Verdict(*finding) for finding in findings(demand, settings, free)]


def _free(folder: Path) -> int:
    """Bytes on the disk where a folder is, or will be."""
    there = next(place for place in (folder.absolute(), *folder.absolute().parents) if place.exists())
    return shutil.disk_usage(there).free
