"""`python -m bench.compare before=../old after=.`: two or more variants of the pipeline, in turn on one broker.

A machine is never as fast as an hour ago: what is to be compared runs in the same bench, several times, in turns.
"""

import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import click

from bench.aggregator import DESIGN
from bench.bed import test_bed
from bench.console import command, console
from bench.fast.figures import Figures, markdown, medians
from bench.fast.plan import Plan
from bench.fast.throughput import stream

JAVA_OPTION = "java_option"
WITHIN_S = 600


class Variant(NamedTuple):
    """A checkout of the pipeline, with settings of its own; `java_option` goes to the embedded JVM."""

    name: str
    root: Path
    settings: Mapping[str, str]
    java_option: str


def variant(text: str) -> Variant:
    """From `NAME=FOLDER` and, after commas, `key=value`. Raises ValueError for anything else."""
    (name, folder), *pairs = (part.split("=", 1) for part in text.split(","))
    settings = dict(pairs)
    if not (Path(folder) / "pipeline" / "graph.py").exists():
        raise ValueError(f"{folder} is no checkout of this project")
    return Variant(name, Path(folder).resolve(), settings, settings.pop(JAVA_OPTION, ""))


def design_of(root: Path) -> tuple[str, str]:
    """The program that runs the pipeline of a checkout; until the packages moved, the command line was at the top."""
    return DESIGN if (root / "tracing_aggregator").exists() else ("cli.main", "run")


def in_turns(variants: Sequence[Variant], rounds: int) -> Iterator[Variant]:
    """Every second round backwards: what a run leaves behind, warm caches for instance, favours nobody."""
    for number in range(rounds):
        yield from variants if number % 2 == 0 else reversed(variants)


@command
@click.argument("variants", nargs=-1, required=True, metavar="NAME=CHECKOUT[,KEY=VALUE]...")
@click.option("--traces", type=click.IntRange(min=1000), default=500_000, help="Raw traces to preload.")
@click.option("--rounds", type=click.IntRange(min=1), default=3, help="How often each variant runs.")
def main(variants: tuple[str, ...], traces: int, rounds: int) -> None:
    """Compare variants on embedded Flink: other code, other settings, other Java options."""
    try:
        wanted = [variant(text) for text in variants]
    except ValueError as error:
        raise click.BadParameter(f"{error}: say NAME=CHECKOUT[,KEY=VALUE]…") from error
    say = console()
    found: list[Figures] = []
    with test_bed(Plan(traces, 1, ()).traffic(), {}, say) as bed:
        for one in in_turns(wanted, rounds):
            os.environ[JAVA_OPTION] = one.java_option
            found += stream(bed, one.name, design_of(one.root), one.settings, WITHIN_S, root=one.root)
            say(str(found[-1]))
    click.echo(markdown(medians(found)))


if __name__ == "__main__":
    main()
