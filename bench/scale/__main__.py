"""`python -m bench.scale`: see docs/scale.md."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path

import click

from bench.console import Say, chosen, console
from bench.scale import flink_curves, report
from bench.scale.core_curves import core_curves
from bench.scale.flink_curves import Extent
from tracing_aggregator.sizing.curves import FIGURES, Curve, load, save

PARTS = ("core", "rates", "shapes", "bursts")
QUICK = Extent(warm_up=8_000, burst=4_000, seconds=4, quick=True)


@click.group(context_settings={"help_option_names": ["-h", "--help"], "show_default": True})
def main() -> None:
    """How cost grows with load, and what a larger load needs."""


@main.command()
@click.option("--only", default=",".join(PARTS), help="What to measure, separated by commas; the rest stays as it is.")
@click.option("--quick", is_flag=True, help="Few and small: does it work, not how does it grow.")
@click.option("--json", "file", type=click.Path(path_type=Path), default=FIGURES, help="Where the figures are kept.")
@click.option("--write-docs", is_flag=True, help="Write tables and charts into docs too.")
def measure(only: str, quick: bool, file: Path, write_docs: bool) -> None:
    """Measure all curves on this machine, about 20 minutes; keep the figures."""
    names = chosen(only, PARTS)
    if quick and file == FIGURES:
        raise click.UsageError("Quick figures are no figures: name another file with --json.")
    say = console()
    for name in names:
        for key, curve in _part(name, quick, say):
            save({**load(file), key: curve}, file)
            click.echo(report.table(key, curve))
    if write_docs:
        report.write(load(file))


def _part(name: str, quick: bool, say: Say) -> Iterator[tuple[str, Curve]]:
    if name == "core":
        return core_curves(quick=quick, say=say)
    parts = {"rates": flink_curves.rates, "shapes": flink_curves.shapes, "bursts": flink_curves.bursts}
    return partial(parts[name], QUICK if quick else Extent())(say)


@main.command()
def docs() -> None:
    """Write docs/scale.md and its charts anew from the figures that were kept."""
    curves = load()
    if not curves:
        raise click.ClickException(f"{FIGURES} is not there: measure first, with python -m bench.scale measure.")
    report.write(curves)


if __name__ == "__main__":
    main()
