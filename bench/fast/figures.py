"""What was measured, as rows of tables: a column for each figure, named with its unit."""

import statistics
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from bench.processes import JAVA, PYTHON
from tracing_aggregator.sizing.tables import grid, number

Row = Mapping[str, float | str]
MILLION = 1_000_000


class Figures(NamedTuple):
    """A row of the table with this title; its first column says what was measured."""

    table: str
    row: Row


def cpu_per_million(cpu_s: Mapping[str, float], traces: float) -> dict[str, float]:
    """CPU seconds for a million traces, Java and Python apart."""
    kinds = (("Java", JAVA), ("Python", PYTHON))
    return {f"{name} CPU s per million": cpu_s.get(kind, 0) * MILLION / max(1, traces) for name, kind in kinds}


def latency(delays: Iterable[float]) -> dict[str, float]:
    """How many delays there are, at least one, and their quantiles in seconds."""
    ordered = sorted(delays)
    picked = {f"p{share} s": ordered[min(len(ordered) - 1, len(ordered) * share // 100)] for share in (50, 95, 99)}
    return {"number": len(ordered), **picked}


def markdown(figures: Sequence[Figures]) -> str:
    """All tables; a cell without a figure is empty."""
    tables: dict[str, list[Row]] = {}
    for one in figures:
        tables.setdefault(one.table, []).append(one.row)
    return "".join(f"\n**{title}**\n\n{_table(rows)}" for title, rows in tables.items())


def _table(rows: Sequence[Row]) -> str:
    columns = list(dict.fromkeys(column for row in rows for column in row))
    cells = ((row.get(column, "") for column in columns) for row in rows)
    return grid(columns, [[cell if isinstance(cell, str) else number(cell) for cell in line] for line in cells])


def medians(figures: Iterable[Figures]) -> list[Figures]:
    """One row for all that have the same first column, in a table: the median of each figure."""
    groups: dict[tuple[str, str], list[Row]] = {}
    for table, row in figures:
        groups.setdefault((table, str(next(iter(row.values())))), []).append(row)
    found = []
    for (table, name), rows in groups.items():
        first, *columns = rows[0]
        values = {column: [row[column] for row in rows if column in row] for column in columns}
        middle = {column: statistics.median(map(float, some)) for column, some in values.items()}
        found.append(Figures(table, {first: name, "runs": len(rows), **middle}))
    return found
