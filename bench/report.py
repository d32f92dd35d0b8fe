"""The rows as tables: for a person, and in Markdown for the documents."""

import os
import platform
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console
from rich.table import Table

from bench.figures import Row
from bench.marks import Marks
from bench.plan import FLINK, NAIVE_NAME
from bench.processes import JAVA, PYTHON

MARKS = Marks("bench", "python -m bench --write-docs")
THROUGHPUT = (
    "run",
    "traces",
    "traces/s",
    "once warm",
    "CPU s per million (Java + Python)",
    "peak MB",
    "kB per trace",
    "start s",
)
LATENCY = ("traces", "number", "p50 s", "p95 s", "p99 s")

Grid = tuple[str, Sequence[str], list[Sequence[str]]]
"""Title, head and lines of a table."""


def machine() -> str:
    """What it was measured on."""
    with Path("/proc/meminfo").open() as lines:
        memory_mb = int(next(lines).split()[1]) // 1024
    return (
        f"{os.cpu_count()} cores, {memory_mb} MB, {platform.system()} {platform.release()}, Python "
        f"{platform.python_version()}, load {os.getloadavg()[0]:.1f} at the end, {datetime.now(UTC):%Y-%m-%d %H:%M} UTC"
    )


def ratio(rows: Iterable[Row]) -> float | None:
    """How many times faster the join is than the naive one of the same bench, once both are warm."""
    rates = {row.name: row.throughput.warm_per_s for row in rows if row.throughput}
    ours, naive = rates.get(FLINK), rates.get(NAIVE_NAME)
    return ours / naive if ours and naive else None


def show(rows: Sequence[Row], console: Console) -> None:
    """Print all tables."""
    for title, head, lines in grids(rows):
        table = Table(title=title, title_justify="left")
        for number, column in enumerate(head):
            table.add_column(column, justify="right" if number else "left")
        for line in lines:
            table.add_row(*line)
        console.print(table)
    console.print(machine(), highlight=False)


def write_into(document: Path, rows: Sequence[Row]) -> None:
    """Put the tables between the two marks of a Markdown document. Raises ValueError where it has no marks."""
    MARKS.write(document, markdown(rows))


def markdown(rows: Sequence[Row]) -> str:
    """All tables."""
    parts = [f"Measured on: {machine()}.\n"]
    for title, head, lines in grids(rows):
        parts.append(f"\n**{title}**\n\n")
        aligned = ["---", *["---:"] * (len(head) - 1)]
        parts += [f"| {' | '.join(line)} |\n" for line in (head, aligned, *lines)]
    return "".join(parts)


def grids(rows: Sequence[Row]) -> Iterator[Grid]:
    """The tables that the rows fill."""
    if lines := list(_throughput(rows)):
        yield "Throughput", THROUGHPUT, lines
    for row in rows:
        if row.latency:
            delays = [
                (kind, f"{d.traces}", f"{d.p50:.2f}", f"{d.p95:.2f}", f"{d.p99:.2f}") for kind, d in row.latency.items()
            ]
            yield f"Latency: {row.name}, date of the trace to its record being readable", LATENCY, list(delays)
        if row.idle:
            cpu, memory = row.idle.cpu_percent, row.idle.memory_mb
            idle = [("CPU, % of one core", *_split(cpu, 1)), ("memory, MB", *_split(memory, 0))]
            yield f"Idle: {row.name}", ("30 s without traffic", "all", "Java", "Python"), list(idle)
    if counted := [row for row in rows if row.counters]:
        names = list(dict.fromkeys(name for row in counted for name in row.counters))
        lines = [(row.name, *(f"{row.counters.get(name, 0)}" for name in names)) for row in counted]
        yield "Counters", ("run", *names), lines


def _throughput(rows: Sequence[Row]) -> Iterator[Sequence[str]]:
    for row in rows:
        start = "" if row.start_s is None else f"{row.start_s:.1f}"
        if row.failure:
            yield (row.name, "failed", *[""] * (len(THROUGHPUT) - 2))
        elif row.throughput:
            done, cpu = row.throughput, row.throughput.cpu_s_per_million
            traces = f"{done.traces}" if done.is_complete else f"{done.traces} (time was up)"
            warm = "" if done.warm_per_s is None else f"{done.warm_per_s:.0f}"
            kilobytes = "" if done.kb_per_trace is None else f"{done.kb_per_trace:.1f}"
            split = f"{sum(cpu.values()):.0f} ({cpu.get(JAVA, 0):.0f} + {cpu.get(PYTHON, 0):.0f})"
            yield row.name, traces, f"{done.per_s:.0f}", warm, split, _total(row.peak_mb), kilobytes, start
        else:
            yield row.name, "", "", "", "", _total(row.peak_mb), "", start
    if factor := ratio(rows):
        yield "times the naive join", "", "", f"{factor:.1f}", "", "", "", ""


def _total(by_kind: Mapping[str, float]) -> str:
    return f"{sum(by_kind.values()):.0f}"


def _split(by_kind: Mapping[str, float], digits: int) -> tuple[str, str, str]:
    values = (sum(by_kind.values()), by_kind.get(JAVA, 0), by_kind.get(PYTHON, 0))
    all_of_it, java, python = (f"{value:.{digits}f}" for value in values)
    return all_of_it, java, python
