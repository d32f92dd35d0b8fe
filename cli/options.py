"""How a command is told its configuration: `[CONFIG.properties]`, `-b` and `-o`, the same for all that take them."""

import functools
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from cli.unreachable import explained
from pipeline.config import Config, load_config
from pipeline.errors import UserError

BROKERS = "bootstrap.servers"
#: Commands that are proposed, and take a configuration; not those that have one already.
_PROPOSED = re.compile(
    r"(tracing-aggregator (?:check|dashboard|explain|metrics|run|settings|stop|tail|topics|traffic))\b"
    r"(?: CONFIG\.properties)?(?! -b )"
)


def config_arguments(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command function the parameters `config_file: Path | None` and `overrides: tuple[str, ...]`."""

    @functools.wraps(command)
    def with_overrides(*args: Any, brokers: str | None, overrides: tuple[str, ...], **kwargs: Any) -> Any:
        named = (f"{BROKERS}={brokers}",) if brokers else ()
        return command(*args, overrides=(*overrides, *named), **kwargs)

    override = click.option(
        "-o",
        "overrides",
        metavar="KEY=VALUE",
        multiple=True,
        help="A setting or Kafka client property; overrides KAFKATRACE_* variables, which override the file.",
    )
    short = click.option("-b", "brokers", metavar="HOST:PORT,…", help=f"Brokers; short for -o {BROKERS}=HOST:PORT,….")
    file = click.argument("config_file", metavar="[CONFIG.properties]", required=False, type=click.Path(path_type=Path))
    return file(short(override(with_overrides)))


def config_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command function the parameter `config: Config`, read from file, environment, `-b` and `-o`.

    A configuration with mistakes ends the command before it begins. Commands that an error proposes get the
    configuration that was in use.
    """

    @config_arguments
    @functools.wraps(command)
    def with_config(*args: Any, config_file: Path | None, overrides: tuple[str, ...], **kwargs: Any) -> Any:
        config = read_config(config_file, overrides)
        try:
            return command(*args, config=config, **kwargs)
        except UserError as error:
            explained(error, config.settings.bootstrap_servers)
            error.todo = with_brokers(error.todo, config, config_file)
            raise

    return with_config


def with_brokers(todo: str, config: Config, config_file: Path | None = None) -> str:
    """The text, with the file and the brokers in use behind each command of ours that it proposes."""
    told = f" {config_file}" if config_file else ""
    if config.sources.get(BROKERS, "").startswith(("-o", "KAFKATRACE_")):
        told += f" -b {config.settings.bootstrap_servers}"
    return _PROPOSED.sub(lambda match: match[1] + told, todo)


def read_config(config_file: Path | None, overrides: tuple[str, ...]) -> Config:
    """The configuration of this process; its warnings go to stderr.

    Raises:
        ConfigError: lists every mistake.
    """
    config = load_config(config_file, os.environ, overrides)
    for warning in config.warnings:
        click.echo(f"{click.style('Warning:', fg='yellow')} {warning}", err=True)
    return config
