"""`python -m bench.compare before=../old after=.`: two or more variants of the pipeline, in turn on one broker.

A machine is never as fast as an hour ago: what is to be compared runs in the same bench, several times, in turns.
"""

import logging
import os
import signal
import statistics
import sys
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import click

from bench import throughput
from bench.aggregator import DESIGN
from bench.bed import test_bed
from bench.figures import Row
from bench.plan import Plan
from bench.processes import JAVA, PYTHON

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


def markdown(rows: Iterable[Row]) -> str:
    """A line for each variant: medians of its runs."""
    by_name: dict[str, list[Row]] = {}
    for row in rows:
        by_name.setdefault(row.name, []).append(row)
    lines = ["| variant | runs | traces/s once warm | CPU s per million (Java + Python) | peak MB |\n"]
    lines.append("| --- | ---: | ---: | ---: | ---: |\n")
    for name, runs in by_name.items():
        done = [row.throughput for row in runs if row.throughput]
        warm = statistics.median(one.warm_per_s or 0 for one in done)
        java, python = (
            statistics.median(one.cpu_s_per_million.get(kind, 0) for one in done) for kind in (JAVA, PYTHON)
        )
        peak = statistics.median(sum(row.peak_mb.values()) for row in runs)
        lines.append(
            f"| {name} | {len(runs)} | {warm:,.0f} | {java + python:.0f} ({java:.0f} + {python:.0f}) | {peak:,.0f} |\n"
        )
    return "".join(lines)


@click.command(context_settings={"help_option_names": ["-h", "--help"], "show_default": True})
@click.argument("variants", nargs=-1, required=True, metavar="NAME=CHECKOUT[,KEY=VALUE]...")
@click.option("--traces", type=click.IntRange(min=1000), default=500_000, help="Raw traces to preload.")
@click.option("--rounds", type=click.IntRange(min=1), default=3, help="How often each variant runs.")
def main(variants: tuple[str, ...], traces: int, rounds: int) -> None:
    """Compare variants on embedded Flink: other code, other settings, other Java options."""
    logging.getLogger().setLevel(logging.ERROR)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))  # ends what it started, like Ctrl-C
    try:
        wanted = [variant(text) for text in variants]
    except ValueError as error:
        raise click.BadParameter(f"{error}: say NAME=CHECKOUT[,KEY=VALUE]…") from error
    plan = Plan(traces, 1, ("flink",), rate=0, live_s=0, within_s=WITHIN_S, naive_s=0)
    began = time.monotonic()

    def say(line: str) -> None:
        click.echo(f"{time.monotonic() - began:5.0f} s  {line}", err=True)

    rows: list[Row] = []
    with test_bed(plan.traffic(), {}, say) as bed:
        for one in in_turns(wanted, rounds):
            os.environ[JAVA_OPTION] = one.java_option
            rows.append(throughput.stream(bed, one.name, design_of(one.root), one.settings, WITHIN_S, root=one.root))
            say(markdown(rows[-1:]).splitlines()[-1])
    click.echo(markdown(sorted(rows, key=lambda row: [one.name for one in wanted].index(row.name))))


if __name__ == "__main__":
    main()
