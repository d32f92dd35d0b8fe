"""`python -m bench.profile`: see docs/performance.md."""

import logging
import signal
import sys
import time
from pathlib import Path

import click

from bench.marks import Marks
from bench.plan import Plan
from bench.processes import PROC
from bench.profile import report
from bench.profile.recorders import ProfilerError
from bench.profile.runs import TARGETS, profile
from bench.report import machine
from pipeline.errors import UserError

MARKS = Marks("profile", "python -m bench.profile --write-docs")


@click.command(context_settings={"help_option_names": ["-h", "--help"], "show_default": True})
@click.option("--targets", default=",".join(TARGETS), help="What to profile, separated by commas.")
@click.option("--traces", type=click.IntRange(min=1000), default=800_000, help="Raw traces to preload.")
@click.option("--seconds", type=click.IntRange(min=1), default=20, help="How long each kind of process is looked at.")
@click.option("-o", "overrides", metavar="KEY=VALUE", multiple=True, help="A setting for all runs on Kafka.")
@click.option("--label", default="now", help="Goes into the names of the graphs, and is a column of the table.")
@click.option("--out", type=click.Path(path_type=Path), default="build/profile", help="Folder for graphs and shares.")
@click.option("--write-docs", is_flag=True, help="Into docs/figures/profile, and the tables into docs/performance.md.")
def main(
    targets: str, traces: int, seconds: int, overrides: tuple[str, ...], label: str, out: Path, *, write_docs: bool
) -> None:
    """Flame graphs of each runner under the bench's load, and the share of CPU by step."""
    if not PROC.joinpath("self/stat").exists():
        raise click.ClickException("The profile reads /proc, which this system does not have. Run it on Linux.")
    logging.getLogger().setLevel(logging.ERROR)
    chosen = [name.strip() for name in targets.split(",")]
    if unknown := set(chosen) - set(TARGETS):
        raise click.BadParameter(f"{', '.join(sorted(unknown))}: choose from {', '.join(TARGETS)}")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))  # ends what it started, like Ctrl-C
    settings = dict(setting.split("=", 1) for setting in overrides)
    plan = Plan(traces, 1, chosen, rate=0, live_s=0, within_s=600, naive_s=0, overrides=settings)
    folder = report.FIGURES if write_docs else out
    began = time.monotonic()
    try:
        for one in profile(
            plan, seconds, lambda line: click.echo(f"{time.monotonic() - began:5.0f} s  {line}", err=True)
        ):
            click.echo(f"{time.monotonic() - began:5.0f} s  {report.draw(one, folder, label)}", err=True)
            report.keep(report.shares([one]), folder, label)
    except (ProfilerError, UserError) as error:
        raise click.ClickException(str(error)) from error
    tables = report.markdown(report.kept(folder))
    click.echo(tables)
    if write_docs:
        MARKS.write(report.DOCUMENTS / "performance.md", f"Measured on: {machine()}.\n{tables}")


if __name__ == "__main__":
    main()
