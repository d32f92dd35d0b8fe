"""Reads the places where configuration comes from: properties file, environment, `-o key=value`."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import javaproperties

from pipeline.errors import ConfigError

ENVIRONMENT_PREFIX = "KAFKATRACE_"


class Entry(NamedTuple):
    """One property as it was given, and where."""

    name: str
    value: str
    source: str


def from_file(file: Path) -> Iterator[Entry]:
    """The entries of a Java properties file, with `file:line` as their source.

    Raises:
        ConfigError: the file cannot be read, or is no properties file.
    """
    line = 1
    try:
        # What Java's own loader assumes of a stream; Kafka's tools use it too.
        text = file.read_text(encoding="iso-8859-1")
        for element in javaproperties.parse(text):
            if isinstance(element, javaproperties.KeyValue):
                yield Entry(element.key, element.value.strip(), f"{file}:{line}")
            line += element.source.count("\n")
    except OSError as error:
        raise ConfigError([f"{file}: {error.strerror}; name a readable file, or none: defaults apply then"]) from error
    except javaproperties.InvalidUEscapeError as error:
        raise ConfigError([f"{file}:{line}: {error}; write a backslash as \\\\ in a properties file"]) from error


def from_environment(environ: Mapping[str, str], known: Iterable[str]) -> Iterator[Entry]:
    """The `KAFKATRACE_*` variables. Those that are no known name get a dot for each underscore.

    Args:
        environ: the environment.
        known: property names to recover, since some have an underscore of their own.
    """
    names = {name.upper().replace(".", "_"): name for name in known}
    for variable, value in sorted(environ.items()):
        if variable.startswith(ENVIRONMENT_PREFIX) and variable != ENVIRONMENT_PREFIX:
            name = variable.removeprefix(ENVIRONMENT_PREFIX)
            yield Entry(names.get(name, name.lower().replace("_", ".")), value.strip(), variable)


def from_overrides(overrides: Sequence[str]) -> Iterator[Entry]:
    """The `-o key=value` options.

    Raises:
        ConfigError: options that are not `key=value`, all of them, once the others are through.
    """
    mistakes = []
    for text in overrides:
        name, equals, value = text.partition("=")
        if equals and name.strip():
            yield Entry(name.strip(), value.strip(), f"-o {name.strip()}")
        else:
            mistakes.append(f"-o {text}: is not key=value; write for example -o hold.send.ms=60000")
    if mistakes:
        raise ConfigError(mistakes)
