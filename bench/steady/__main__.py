"""`python -m bench.steady`: see docs/operations.md."""

import json
import sys
from pathlib import Path

import click

from bench.console import command, console
from bench.steady import report
from bench.steady.run import steady


@command
@click.option("--minutes", type=click.FloatRange(min=0.5), default=30, help="How long, after half a minute of warm-up.")
@click.option("--rate", type=click.IntRange(min=4), default=200, help="Traces a second.")
@click.option("--retention", "retention_s", type=click.IntRange(min=60), default=300, help="How long to remember, s.")
@click.option("--every", "every_s", default=5.0, help="Seconds between two samples.")
@click.option("--json", "json_file", type=click.Path(path_type=Path), help="Write all figures to this file too.")
@click.option("--write-docs", is_flag=True, help="Keep the figures, and write plot and table into docs.")
def main(minutes: float, rate: int, retention_s: int, every_s: float, json_file: Path | None, write_docs: bool) -> None:
    """Hold a rate on a Flink cluster, and see whether memory, state and checkpoints stay as they are.

    Exit code 1: a checkpoint failed, or something did not come out.
    """
    figures = steady(minutes, rate, retention_s, every_s, console())
    if json_file:
        json_file.write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")
    click.echo(report.table(figures))
    if write_docs:
        report.write(figures)
    sys.exit(figures["records"] < figures["traces"] or figures["failed"] > 0)


if __name__ == "__main__":
    main()
