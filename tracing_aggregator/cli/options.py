"""How a command is told its configuration: `[CONFIG.properties]`, `-b` and `-o`, the same for all that take them."""

import functools
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from pipeline.config.load import Config, load_config
from pipeline.errors import UserError
from tracing_aggregator.cli.unreachable import explained

BROKERS = "bootstrap.servers"
#: Commands that are proposed, and take a configuration; not those that have one already.
_PROPOSED = re.compile(
    r"(tracing-aggregator (?:check|dashboard|explain|metrics|run|settings|stop|tail|topics|traffic))\b"
    r"(?: CONFIG\.properties)?(?! -b )"
)

_PEM = click.Path(exists=True, dir_okay=False, path_type=Path)


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


def server_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give the command of a server `host`, `token`, `token_file`, `tls_cert`, `tls_key` and `access_log`."""
    options = (
        click.option(
            "--host", default="127.0.0.1", show_default=True, help="Where to listen; beyond loopback with --token."
        ),
        click.option(
            "--token",
            envvar="TRACING_AGGREGATOR_TOKEN",
            show_envvar=True,
            help="Who does not know it gets nothing; or where it is, ${file:PATH:KEY}, which may change meanwhile.",
        ),
        click.option(
            "--token-file",
            metavar="FILE",
            type=click.Path(path_type=Path, dir_okay=False),
            help="The token is in this file, which may change meanwhile; made with a random one if there is none.",
        ),
        click.option("--tls-cert", metavar="FILE", type=_PEM, help="Serve by TLS: certificate with its chain, PEM."),
        click.option("--tls-key", metavar="FILE", type=_PEM, help="Its key, PEM, without a password."),
        click.option("--access-log", is_flag=True, help="A line on stderr for each request."),
    )
    for option in reversed(options):
        command = option(command)
    return command


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
