"""`python -m bench`: see docs/performance.md."""

import json
import sys
from dataclasses import replace
from pathlib import Path

import click

from bench.console import chosen, command, console
from bench.documents import DOCUMENTS, Marks, machine
from bench.fast.figures import Figures, markdown
from bench.fast.plan import RUNNERS, Plan, measure

MARKS = Marks("bench", "python -m bench --write-docs")


@command
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
    """Measure throughput, latency, CPU and memory of each runner on this machine."""
    plan = Plan(traces, groups, chosen(runners, RUNNERS), rate)
    if quick:
        plan = replace(plan, traces=min(traces, 20_000), live_s=10, within_s=180, warm_up=4_000)
    plan = replace(plan, overrides=dict(setting.split("=", 1) for setting in overrides))
    found: list[Figures] = []
    for figures in measure(plan, console()):
        found.append(figures)
        if json_file:
            kept = {"machine": machine(), "figures": [one._asdict() for one in found]}
            json_file.write_text(json.dumps(kept, indent=2) + "\n", encoding="utf-8")
    tables = f"Measured on: {machine()}.\n{markdown(found)}"
    click.echo(tables)
    if write_docs:
        MARKS.write(DOCUMENTS / "performance.md", tables)
    sys.exit(any("failed" in one.row.values() for one in found))


if __name__ == "__main__":
    main()
