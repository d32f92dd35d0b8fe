"""The rows as a table in docs/operations.md: made from the figures of the last run that was kept, never by hand."""

import json
from typing import Any

from bench.documents import DOCUMENTS, Marks
from tracing_aggregator.sizing.tables import grid

FIGURES = DOCUMENTS / "figures" / "faults.json"
DOCUMENT = DOCUMENTS / "operations.md"
MARKS = Marks("faults", "python -m bench.faults --write-docs")
HEAD = (
    "fault",
    "traces in",
    "traces out",
    "lost",
    "duplicates",
    "findings due",
    "missing or false",
    "dead letters in / out",
    "first output after, s",
)


def markdown(figures: dict[str, Any]) -> str:
    """The table of the figures of one run."""
    lines = []
    for row in figures["rows"]:
        recovery = "" if row["recovery_s"] is None else f"{row['recovery_s']:.0f}"
        letters = f"{row['letters_in']} / {row['letters_out']}" if row["letters_in"] or row["letters_out"] else ""
        wrong = row["missing"] + row["false"]
        numbers = (row["traces_in"], row["traces_out"], row["lost"], row["duplicates"], row["findings"], wrong)
        lines.append((row["what"], *map(str, numbers), letters, recovery))
    return grid(HEAD, lines)


def section(figures: dict[str, Any]) -> str:
    """The table with where and how it was measured."""
    return f"{figures['tracesPerSecond']} traces/s, {figures['machine']}.\n\n{markdown(figures)}"


def write() -> None:
    """Put the section between the two marks of the document."""
    MARKS.write(DOCUMENT, section(json.loads(FIGURES.read_text(encoding="utf-8"))))
