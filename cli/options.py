"""The `[CONFIG.properties]` argument and the `-o key=value` option, the same for every command that takes them."""

import functools
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from pipeline.config import Config, load_config

_PEM = click.Path(exists=True, dir_okay=False, path_type=Path)


def config_arguments(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command function the parameters `config_file: Path | None` and `overrides: tuple[str, ...]`."""
    override = click.option(
        "-o",
        "overrides",
        metavar="KEY=VALUE",
        multiple=True,
        help="A setting or Kafka client property; overrides KAFKATRACE_* variables, which override the file.",
    )
    file = click.argument("config_file", metavar="[CONFIG.properties]", required=False, type=click.Path(path_type=Path))
    return file(override(command))


def config_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command function the parameter `config: Config`, read from file, environment and `-o`.

    A configuration with mistakes ends the command before it begins.
    """

    @config_arguments
    @functools.wraps(command)
    def with_config(*args: Any, config_file: Path | None, overrides: tuple[str, ...], **kwargs: Any) -> Any:
        return command(*args, config=read_config(config_file, overrides), **kwargs)

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


def read_config(config_file: Path | None, overrides: tuple[str, ...]) -> Config:
    """The configuration of this process; its warnings go to stderr.

    Raises:
        ConfigError: lists every mistake.
    """
    config = load_config(config_file, os.environ, overrides)
    for warning in config.warnings:
        click.echo(f"Warning: {warning}", err=True)
    return config
