import re
import shlex
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from tracing_aggregator.cli.main import COMMANDS, main

SUBCOMMANDS = [["sink", "elasticsearch"], ["sink", "otlp"], ["ingest", "otlp"]]
ALL = [*([name] for name in COMMANDS), *SUBCOMMANDS]


def examples_of(words: list[str]) -> list[str]:
    shown = CliRunner().invoke(main, [*words, "--help"], prog_name="tracing-aggregator")
    assert shown.exit_code == 0, shown.output
    _, _, lines = re.split(r"\n  (Examples?):\n", shown.stdout)
    return [line.strip() for line in lines.splitlines()]


def parsed(arguments: list[str]) -> None:
    """Raises UsageError if the command line is wrong."""
    command: click.Command = main
    context = click.Context(main)
    while isinstance(command, click.Group):
        _, command, arguments = command.resolve_command(context, arguments)
    command.make_context(command.name, arguments)


@pytest.mark.parametrize("words", ALL, ids=" ".join)
def test_each_help_ends_with_examples_of_the_command_that_fit_80_columns(words):
    lines = examples_of(words)
    assert lines
    assert all(" ".join(["tracing-aggregator", *words]) in line for line in lines)
    assert all(len(line) <= 76 for line in lines)


@pytest.mark.parametrize("words", ALL, ids=" ".join)
def test_what_the_examples_say_is_understood(words, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("spans.jsonl").touch()
    calls = [
        shlex.split(part.partition(" > ")[0])[1:]
        for line in examples_of(words)
        for part in line.split(" | ")
        if part.startswith("tracing-aggregator ")
    ]
    assert calls
    for call in calls:
        parsed(call)


def test_a_wrong_option_in_an_example_would_be_noticed():
    with pytest.raises(click.UsageError):
        parsed(["tail", "--no-such-option"])
