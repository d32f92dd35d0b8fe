"""Measured curves as Markdown."""

from collections.abc import Mapping

from tracing_aggregator.sizing.curves import Curve
from tracing_aggregator.sizing.tables import grid, number

#: What the document shows of curves with many columns; tracing_aggregator/sizing/measured.json has all.
SHOWN = {
    "core-groups": ("bytes per message", "locate bytes", "order bytes", "join bytes", "written bytes per message",
                    "CPU s per million", "parse CPU s", "locate CPU s", "order CPU s", "join CPU s"),
    "core-partitions": ("bytes per message", "CPU s per million", "views per trace"),
    "core-messages": ("bytes per message", "CPU s per million", "rebuild µs per message"),
    "core-retention": ("alive", "bytes per message", "locate bytes", "join bytes", "stats bytes", "locate weight",
                       "join weight", "written bytes per message"),
    "core-lag": ("join facts", "locate facts", "bytes per message", "lagging CONSUMEs joined"),
}  # fmt: skip


def curve(name: str, measured: Curve) -> str:
    """One curve: a column for each thing that was measured, or for what is shown of it."""
    columns = [measured.x, *SHOWN.get(name, tuple(column for column in measured.rows[0] if column != measured.x))]
    lines = [[number(row[column]) for column in columns] for row in measured.rows]
    return f"**{measured.title}**\n\n{grid(columns, lines)}"


def all_curves(curves: Mapping[str, Curve]) -> str:
    """All of them, and on what each was measured."""
    whens = "".join(f"- {', '.join(names)}: {machine}\n" for machine, names in _by_machine(curves).items())
    return "\n".join([*(curve(*item) for item in curves.items()), f"Measured on:\n\n{whens}"])


def _by_machine(curves: Mapping[str, Curve]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for name, measured in curves.items():
        found.setdefault(measured.machine, []).append(f"`{name}`")
    return found
