"""What docs/scale.md says of the figures: tables and model, each between its marks, and charts beside it."""

from collections.abc import Callable, Mapping
from pathlib import Path

from bench.charts import Panel, svg
from bench.documents import DOCUMENTS, Marks
from tracing_aggregator.sizing.answer import model_text
from tracing_aggregator.sizing.curves import Curve
from tracing_aggregator.sizing.model import Demand
from tracing_aggregator.sizing.tables import grid, number

DOCUMENT = DOCUMENTS / "scale.md"
CHARTS = DOCUMENTS / "figures" / "scale.svg"
COLUMNS, WIDTH = 3, 3.6
#: The curves that the model is made of.
COSTS = {"burst-groups", "burst-partitions", "core-groups", "core-retention"}
NOTHING = "Not measured yet.\n"
#: What the document shows of curves with many columns; tracing_aggregator/sizing/measured.json has all.
SHOWN = {
    "core-groups": ("bytes per message", "locate bytes", "order bytes", "join bytes", "written bytes per message",
                    "CPU s per million", "parse CPU s", "locate CPU s", "order CPU s", "join CPU s"),
    "core-partitions": ("bytes per message", "CPU s per million", "views per trace"),
    "core-messages": ("bytes per message", "CPU s per million", "rebuild µs per message"),
    "core-retention": ("alive", "bytes per message", "locate bytes", "join bytes", "stats bytes", "locate weight",
                       "join weight", "written bytes per message"),
}  # fmt: skip
_CPU = (("Java CPU s per million", "Java"), ("Python CPU s per million", "Python"))
_LATENCY = (("p50 s", "p50"), ("p95 s", "p95"))
#: Title, curve and column of each line with its name in the legend, and whether each step to the right is a factor.
PANELS = (
    ("Latency, s, over traces/s", [("flink-rate", *line) for line in _LATENCY], True),
    ("Cores busy over traces/s", [("flink-rate", "cores", "live")], True),
    ("CPU s per million traces over traces/s", [("flink-rate", *line) for line in _CPU], True),
    ("Latency, s, over partitions", [("flink-partitions", *line) for line in _LATENCY], True),
    ("Latency, s, over groups", [("flink-groups", *line) for line in _LATENCY], False),
    ("Traces/s at full load over partitions",
     [("burst-partitions", "traces/s", "Flink")], True),
    ("CPU s per million traces over groups",
     [("burst-groups", *line) for line in _CPU], False),
    ("State, bytes per message, over retention, s",
     [("core-retention", "locate bytes", "SENDs"), ("core-retention", "join bytes", "blocks"),
      ("core-retention", "bytes per message", "all")], True),
    ("Start of Flink, s, over messages in state",
     [("flink-start", "running after s", "running"), ("flink-start", "first output after s", "first output")], False),
)  # fmt: skip


def table(name: str, measured: Curve) -> str:
    """One curve: a column for each thing that was measured, or for what is shown of it."""
    columns = [measured.x, *SHOWN.get(name, tuple(column for column in measured.rows[0] if column != measured.x))]
    lines = [[number(row[column]) for column in columns] for row in measured.rows]
    return f"**{measured.title}**\n\n{grid(columns, lines)}"


def _tables(curves: Mapping[str, Curve]) -> str:
    """All of them, and on what each was measured."""
    machines: dict[str, list[str]] = {}
    for name, measured in curves.items():
        machines.setdefault(measured.machine, []).append(f"`{name}`")
    whens = "".join(f"- {', '.join(names)}: {machine}\n" for machine, names in machines.items())
    return "\n".join([*(table(*item) for item in curves.items()), f"Measured on:\n\n{whens}"])


def sections(curves: Mapping[str, Curve]) -> dict[str, str]:
    """What is written between which marks, as far as it was measured."""
    made: dict[str, Callable[[], str]] = {
        "curves": lambda: _tables(curves),
        "model": lambda: model_text(curves, Demand(1e6)),
        "model of an hour": lambda: model_text(curves, Demand(1e6, retention_s=3600)),
    }
    return {name: make() if name == "curves" or curves.keys() >= COSTS else NOTHING for name, make in made.items()}


def written(text: str, curves: Mapping[str, Curve]) -> str:
    """The document with these figures. Raises ValueError where it has no marks for a section."""
    for name, section in sections(curves).items():
        text = Marks(name, "python -m bench.scale").filled(text, section)
    return text


def charts(curves: Mapping[str, Curve]) -> str:
    """The charts as SVG, as far as they were measured."""
    panels = []
    for title, lines, is_log in PANELS:
        points = {
            label: [(row[curves[name].x], row[column]) for row in curves[name].rows]
            for name, column, label in lines
            if name in curves
        }
        if points:
            panels.append(Panel(title, points, is_log))
    return svg(panels, columns=COLUMNS, width=WIDTH)


def write(curves: Mapping[str, Curve], document: Path = DOCUMENT) -> None:
    """Document and charts."""
    document.write_text(written(document.read_text(encoding="utf-8"), curves), encoding="utf-8")
    CHARTS.write_text(charts(curves), encoding="utf-8")
