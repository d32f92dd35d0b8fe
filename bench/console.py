"""What all commands of the bench begin with."""

import logging
import signal
import sys
import time
from collections.abc import Callable, Collection
from typing import Any

import click

#: Talks to the person who waits.
Say = Callable[[str], None]

command: Any = click.command(context_settings={"help_option_names": ["-h", "--help"], "show_default": True})


def console() -> Say:
    """Prepares this process for measuring; returns what writes a line with its time to stderr."""
    logging.getLogger().setLevel(logging.ERROR)  # Beam has warnings for its developers
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))  # ends what it started, like Ctrl-C
    began = time.monotonic()
    return lambda line: click.echo(f"{time.monotonic() - began:5.0f} s  {line}", err=True)


def chosen(words: str, known: Collection[str]) -> list[str]:
    """The words between commas. Raises click.BadParameter for one that is not known."""
    names = [word.strip() for word in words.split(",")]
    if unknown := set(names) - set(known):
        raise click.BadParameter(f"{', '.join(sorted(unknown))}: choose from {', '.join(known)}")
    return names
