"""What was measured, as curves: some columns of numbers over one that was varied; kept in measured.json."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import pairwise
from pathlib import Path

FIGURES = Path(__file__).with_name("measured.json")

Row = dict[str, float]
"""One point: the value of `x`, and what was measured there."""


@dataclass(frozen=True)
class Curve:
    """`rows` in order of the column `x`; `title` says what ran, `machine` where and when."""

    title: str
    x: str
    rows: Sequence[Row]
    machine: str

    def at(self, value: float, column: str) -> float:
        """The column at this value of `x`: between two points by interpolation, beyond them that of the last one."""
        points = sorted((row[self.x], row[column]) for row in self.rows)
        for (low, before), (high, after) in pairwise(points):
            if low <= value <= high:
                return before + (after - before) * (value - low) / (high - low)
        return points[0][1] if value < points[0][0] else points[-1][1]


def load(file: Path = FIGURES) -> dict[str, Curve]:
    """All curves by name; none where nothing was measured yet."""
    if not file.exists():
        return {}
    return {name: Curve(**values) for name, values in json.loads(file.read_text(encoding="utf-8")).items()}


def save(curves: Mapping[str, Curve], file: Path = FIGURES) -> None:
    """Write them, each number with four digits that count."""
    values = {name: asdict(curve) for name, curve in sorted(curves.items())}
    for curve in values.values():
        curve["rows"] = [{column: float(f"{value:.4g}") for column, value in row.items()} for row in curve["rows"]]
    file.write_text(json.dumps(values, indent=1) + "\n", encoding="utf-8")
