"""`python -m bench`: see docs/performance.md."""

import json
import logging
import signal
import sys
import time
from dataclasses import replace
from pathlib import Path

import click
from rich.console import Console

from bench import report
from bench.figures import Row
from bench.plan import RUNNERS, Plan, measure
from bench.processes import PROC

DOCUMENT = Path(__file__).resolve().parent.parent / "docs" / "performance.md"


@click.command(context_settings={"help_option_names": ["-h", "--help"], "show_default": True})
@click.option("--traces", type=click.IntRange(min=100), default=1_000_000, help="Raw traces to preload.")
@click.option("--groups", type=click.IntRange(1, 2), default=1, help="Consumer groups: four or six traces a message.")
@click.option("--runners", default=",".join(RUNNERS), help="What to run, separated by commas.")
@click.option("--rate", type=click.IntRange(min=4), default=800, help="Traces a second while latency is measured.")
@click.option("-o", "overrides", metavar="KEY=VALUE", multiple=True, help="A setting for all runs on Kafka.")
@click.option("--quick", is_flag=True, help="20,000 traces and short waits: does it work, not how fast is it.")
@click.option("--json", "json_file", type=click.Path(path_type=Path), help="Write all figures to this file too.")
@click.option("--write-docs", is_flag=True, help="Write the tables into docs/performance.md.")
def main(
    traces: int,
    groups: int,
    runners: str,
    rate: int,
    overrides: tuple[str, ...],
    quick: bool,
    json_file: Path | None,
    write_docs: bool,
) -> None:
    """Measure throughput, latency, CPU and memory of each runner on this machine, beside a naive join."""
    if not PROC.joinpath("self/stat").exists():
        raise click.ClickException("The bench reads /proc, which this system does not have. Run it on Linux.")
    # Beam has warnings for its developers.
    logging.getLogger().setLevel(logging.ERROR)
    chosen = [name.strip() for name in runners.split(",")]
    if unknown := set(chosen) - set(RUNNERS):
        raise click.BadParameter(f"{', '.join(sorted(unknown))}: choose from {', '.join(RUNNERS)}")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))  # ends what it started, like Ctrl-C
    plan = Plan(traces, groups, chosen, rate, live_s=60, within_s=900, naive_s=90)
    if quick:
        plan = Plan(min(traces, 20_000), groups, chosen, rate, live_s=10, within_s=180, naive_s=30, warm_up=4_000)
    plan = replace(plan, overrides=dict(setting.split("=", 1) for setting in overrides))
    rows: list[Row] = []
    began = time.monotonic()
    for row in measure(plan, lambda line: click.echo(f"{time.monotonic() - began:5.0f} s  {line}", err=True)):
        rows.append(row)
        if json_file:
            json_file.write_text(_json(rows), encoding="utf-8")
    report.show(rows, Console(width=max(120, Console().width)))
    if write_docs:
        report.write_into(DOCUMENT, rows)
    sys.exit(1 if any(row.failure for row in rows) else 0)


def _json(rows: list[Row]) -> str:
    figures = {"machine": report.machine(), "times_naive": report.ratio(rows), "rows": [row.as_json() for row in rows]}
    return json.dumps(figures, indent=2) + "\n"


if __name__ == "__main__":
    main()
