"""`python -m bench.faults`: see docs/operations.md."""

import json
import logging
import signal
import sys
import time
from dataclasses import asdict
from pathlib import Path

import click

from bench.faults import table
from bench.faults.faults import FAULTS
from bench.faults.judge import Row
from bench.faults.matrix import measure
from bench.report import machine


@click.command(context_settings={"help_option_names": ["-h", "--help"], "show_default": True})
@click.option("--only", help="Names of faults, separated by commas; all without it.")
@click.option("--rate", type=click.IntRange(min=16), default=100, help="Traces a second.")
@click.option("--before", "before_s", default=12.0, help="Seconds of traffic before each fault.")
@click.option("--after", "after_s", default=10.0, help="Seconds of traffic after the recovery.")
@click.option("--s3", "has_s3", is_flag=True, help="Keep checkpoints in an object store, by Flink's plugin.")
@click.option("--json", "json_file", type=click.Path(path_type=Path), help="Write the rows to this file too.")
@click.option("--write-docs", is_flag=True, help="Keep the figures, and write the table into docs/operations.md.")
def main(
    only: str | None,
    rate: int,
    before_s: float,
    after_s: float,
    has_s3: bool,
    json_file: Path | None,
    write_docs: bool,
) -> None:
    """Break a Flink cluster, a broker and the input in turn while traffic runs, and count what comes out.

    Exit code 1: something was lost, or a finding is wrong. It takes some 15 minutes on two free cores.
    """
    logging.getLogger().setLevel(logging.ERROR)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))  # ends what it started, like Ctrl-C
    chosen = only.split(",") if only else [fault.name for fault in FAULTS]
    if unknown := set(chosen) - {fault.name for fault in FAULTS}:
        raise click.BadParameter(f"{', '.join(sorted(unknown))}: choose from {', '.join(each.name for each in FAULTS)}")
    began = time.monotonic()
    rows: list[Row] = []
    for row in measure(
        [fault for fault in FAULTS if fault.name in chosen],
        rate=rate,
        before_s=before_s,
        after_s=after_s,
        has_s3=has_s3,
        say=lambda line: click.echo(f"{time.monotonic() - began:5.0f} s  {line}", err=True),
    ):
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
