"""`python -m bench.faults`: see docs/operations.md."""

import json
import sys
from dataclasses import asdict
from pathlib import Path

import click

from bench.console import chosen, command, console
from bench.documents import machine
from bench.faults import table
from bench.faults.faults import FAULTS
from bench.faults.judge import Row
from bench.faults.matrix import measure

NAMES = {fault.name: fault for fault in FAULTS}


@command
@click.option("--only", default=",".join(NAMES), help="Names of faults, separated by commas.")
@click.option("--rate", type=click.IntRange(min=16), default=100, help="Traces a second.")
@click.option("--before", "before_s", default=12.0, help="Seconds of traffic before each fault.")
@click.option("--after", "after_s", default=10.0, help="Seconds of traffic after the recovery.")
@click.option("--s3", "has_s3", is_flag=True, help="Keep checkpoints in an object store, by Flink's plugin.")
@click.option("--json", "json_file", type=click.Path(path_type=Path), help="Write the rows to this file too.")
@click.option("--write-docs", is_flag=True, help="Keep the figures, and write the table into docs/operations.md.")
def main(
    only: str, rate: int, before_s: float, after_s: float, has_s3: bool, json_file: Path | None, write_docs: bool
) -> None:
    """Break a Flink cluster, a broker and the input in turn while traffic runs, and count what comes out.

    Exit code 1: something was lost, or a finding is wrong. It takes some 15 minutes on two free cores.
    """
    rows: list[Row] = []
    faults = [NAMES[name] for name in chosen(only, NAMES)]
    for row in measure(faults, rate=rate, before_s=before_s, after_s=after_s, has_s3=has_s3, say=console()):
        rows.append(row)
        figures = {"machine": machine(), "tracesPerSecond": rate, "rows": [asdict(each) for each in rows]}
        for file in filter(None, (json_file, table.FIGURES if write_docs else None)):
            file.write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")
    click.echo(table.markdown({"rows": [asdict(row) for row in rows]}))
    if write_docs:
        table.write()
    sys.exit(0 if all(row.is_well for row in rows) else 1)


if __name__ == "__main__":
    main()
