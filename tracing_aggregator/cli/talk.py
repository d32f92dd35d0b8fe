"""What commands that run for long say on stderr: plain for people, or a JSON object a line (`log.format=json`)."""

import logging
import time
from collections.abc import Callable
from typing import Any

import click

from pipeline.config.settings import Settings
from pipeline.log_lines import Entry, Repeats, utc

Tell = Callable[[str], None]


def teller(settings: Settings, component: str) -> Tell:
    """Writes one line to stderr, in the form of the settings."""

    def tell(line: str) -> None:
        level = "warn" if line.startswith("Warning") else "info"
        one = Entry(utc(time.time()), level, component, "", line)
        click.echo(one.json() if settings.log_format == "json" else line, err=True)

    return tell


def log_to_stderr(settings: Settings, component: str) -> None:
    """Let Python's own loggers write there too, from `log.level` on; a repeated fault is told once a minute."""
    level = {"warn": "WARNING"}.get(settings.log_level, settings.log_level.upper())
    handler = _Handler(component, as_json=settings.log_format == "json")
    for name, lowest in (("uvicorn", "ERROR"), ("tracing_aggregator", level)):
        logger = logging.getLogger(name)
        logger.handlers, logger.propagate = [handler], False
        logger.setLevel(lowest)
    # Its answers are what is wanted, whatever the level.
    logging.getLogger("tracing_aggregator.access").setLevel(logging.INFO)


class _Handler(logging.Handler):
    def __init__(self, component: str, *, as_json: bool) -> None:
        super().__init__()
        self._component = component
        self._as_json = as_json
        self._repeats = Repeats()

    def emit(self, record: logging.LogRecord) -> None:
        """One line."""
        level = record.levelname.lower().replace("warning", "warn").replace("critical", "error")
        message = record.getMessage()
        if record.exc_info and record.exc_info[1] is not None:
            message = f"{message.strip()} {type(record.exc_info[1]).__name__}: {record.exc_info[1]}"
        one = Entry(utc(record.created), level, self._component, record.name, message)
        passed: Any = one if record.name.endswith(".access") else self._repeats.pass_on(one)
        if passed is not None:
            click.echo(passed.json() if self._as_json else passed.text(), err=True)
