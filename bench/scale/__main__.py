"""`python -m bench.scale`: see docs/scale.md."""

import logging
import signal
import sys
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import click

from bench.processes import PROC
from bench.scale import flink_curves, tables
from bench.scale.core_curves import core_curves
from bench.scale.flink_curves import Extent
from bench.scale.lagging import lagging
from bench.scale.replay_curves import replay_curves
from tracing_aggregator.sizing.curves import FIGURES, Curve, load, save

PARTS = ("core", "replay", "rates", "shapes", "bursts", "lag")
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
    if not PROC.joinpath("self/stat").exists():
        raise click.ClickException("The bench reads /proc, which this system does not have. Run it on Linux.")
    chosen = [name.strip() for name in only.split(",")]
    if unknown := set(chosen) - set(PARTS):
        raise click.BadParameter(f"{', '.join(sorted(unknown))}: choose from {', '.join(PARTS)}")
    if quick and file == FIGURES:
        raise click.UsageError("Quick figures are no figures: name another file with --json.")
    logging.getLogger().setLevel(logging.ERROR)  # Beam has warnings for its developers
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))  # ends what it started, like Ctrl-C
    began = time.monotonic()
    for name in chosen:
        for key, curve in _part(name, quick, lambda line: _say(began, line)):
            save({**load(file), key: curve}, file)
            click.echo(tables.curve(key, curve))
    if write_docs:
        _write(load(file))


def _part(name: str, quick: bool, say: Callable[[str], None]) -> Iterator[tuple[str, Curve]]:
    if name == "core":
        return core_curves(quick=quick, say=say)
    if name == "replay":
        return replay_curves(quick=quick, say=say)
    parts = {"rates": flink_curves.rates, "shapes": flink_curves.shapes, "bursts": flink_curves.bursts, "lag": lagging}
    return partial(parts[name], QUICK if quick else Extent())(say)


@main.command()
@click.option("--messages-per-second", "messages_per_s", type=click.FloatRange(min=1), default=45_000, help="In all.")
@click.option("--partitions", type=click.IntRange(min=1), default=256, help="Of all business topics together.")
@click.option("--workers", type=click.IntRange(min=1), default=32, help="Python workers.")
@click.option("--lag", "lags_s", type=float, multiple=True, default=(0.0,), help="Lag of a group, s; one for each.")
@click.option("--seconds", type=click.FloatRange(min=2), default=60, help="How long.")
@click.option("--seed", type=int, default=1, help="Where blocks lie.")
def simulate(
    messages_per_s: float, partitions: int, workers: int, lags_s: tuple[float, ...], seconds: float, seed: int
) -> None:
    """Skewed partitions through the measured service rate: which worker is full first, and what waits."""
    from bench.scale.skew import zipf_table

    click.echo(
        zipf_table(
            _measured(), messages_per_s=messages_per_s, partitions=partitions, workers=workers, groups=len(lags_s),
            lags_s=lags_s, seconds=seconds, seed=seed,
        ),
        nl=False,
    )  # fmt: skip


@main.command()
def docs() -> None:
    """Write docs/scale.md and its charts anew from the figures that were kept."""
    _write(_measured())


def _measured() -> dict[str, Curve]:
    if curves := load():
        return curves
    raise click.ClickException(f"{FIGURES} is not there: measure first, with python -m bench.scale measure.")


def _write(curves: dict[str, Curve]) -> None:
    from bench.scale.report import write  # matplotlib takes a second to import

    write(curves)


def _say(began: float, line: str) -> None:
    click.echo(f"{time.monotonic() - began:5.0f} s  {line}", err=True)


if __name__ == "__main__":
    main()
