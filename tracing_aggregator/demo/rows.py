"""Aggregated traces as rows of a table, one line each."""

from collections.abc import Mapping
from typing import Any, NamedTuple

HEADINGS = ("TIME (UTC)", "TYPE", "MESSAGE", "GROUP", "CLIENT", "MS", "ID", "")
#: With two blanks between them a row of 80 columns, but for marks.
WIDTHS = (12, 7, 15, 10, 10, 6, 8, 0)
#: Of each type of trace, and of a row to look at twice.
COLOURS = {"SEND": "cyan", "ACK": "blue", "CONSUME": "green", "COMMIT": "magenta"}
MARKED = "yellow"
_RIGHT = HEADINGS.index("MS")
_MILLIS = len("12:00:00.000")


class Row(NamedTuple):
    """One line: what kind of trace it is, its text, and whether a person should look twice."""

    kind: str
    text: str
    is_marked: bool


def row(trace: Mapping[str, Any]) -> Row:
    """The row of an aggregated trace, the value of its record."""
    marks = marks_of(trace)
    cells = (
        _time(str(trace["date"])),
        trace["type"],
        _place(trace),
        trace.get("groupId", "-"),
        trace["clientId"],
        trace.get("durationMs", "-"),
        str(trace.get("correlationId", "-"))[:8],
        " ".join(marks),
    )
    return Row(str(trace["type"]), line(cells), bool(marks))


def line(cells: tuple[Any, ...]) -> str:
    """Cells under the headings; one that is too long pushes the rest of its line, nothing is cut."""
    texts = (
        f"{cell!s:>{width}}" if column == _RIGHT else f"{cell!s:<{width}}"
        for column, (cell, width) in enumerate(zip(cells, WIDTHS, strict=True))
    )
    return "  ".join(texts).rstrip()


def marks_of(trace: Mapping[str, Any]) -> list[str]:
    """What is out of the ordinary about a trace, in a few words."""
    deliveries, settled_by = trace.get("deliveryCount", 1), trace.get("settledBy")
    return [
        *([f"over-consumed, delivery {deliveries}"] if deliveries > 1 else []),
        *([f"revision {trace['revision']}"] if "revision" in trace else []),
        *(["withdrawn"] if trace.get("withdrawn") else []),
        *(["repeated"] if trace.get("repeated") else []),
        *([f"by commit of {settled_by}"] if settled_by is not None else []),
    ]


def _time(date: str) -> str:
    """The time of day in milliseconds, from `2020-03-25T15:41:01.365287Z`."""
    clock, _, fraction = date.partition("T")[2].rstrip("Z").partition(".")
    return f"{clock}.{fraction:0<3.3}"[:_MILLIS]


def _place(trace: Mapping[str, Any]) -> str:
    return f"{trace['topic']}/{trace['partition']}/{trace['offset']}" if "partition" in trace else str(trace["topic"])
