"""`tracing-aggregator check`: what would keep a run from working, all at once, each with what to do."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from cli.commands import examples
from cli.options import config_arguments, read_config, with_brokers
from cli.unreachable import explained
from pipeline.errors import ConfigError, UserError

if TYPE_CHECKING:
    from runners.preflight import Verdict

COLOURS = {"ok": "green", "problem": "red", "advice": "yellow"}


@click.command(
    epilog=examples("tracing-aggregator check config/config.properties", "tracing-aggregator check -b localhost:9092")
)
@config_arguments
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
@click.pass_context
def check(ctx: click.Context, config_file: Path | None, overrides: tuple[str, ...], as_json: bool) -> None:
    """Check configuration, brokers, topics and permissions; change nothing.

    Ends with 1 if anything would keep a run from working.
    """
    import orjson

    verdicts = _verdicts(config_file, overrides)
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


def _verdicts(config_file: Path | None, overrides: tuple[str, ...]) -> "list[Verdict]":
    """Verdicts as far as one can get: nothing can be asked without a configuration, or without a broker."""
    from runners.preflight import Verdict, preflight

    try:
        config = read_config(config_file, overrides)
    except ConfigError as error:
        return [Verdict("problem", "configuration", mistake, error.todo) for mistake in error.mistakes]
    valid = Verdict("ok", "configuration", str(config_file or "defaults"))
    try:
        found = [valid, *preflight(config)]
        return [one._replace(todo=with_brokers(one.todo, config, config_file)) for one in found]
    except UserError as error:
        explained(error, config.settings.bootstrap_servers)
        return [valid, Verdict("problem", f"brokers {config.settings.bootstrap_servers}", error.message, error.todo)]
