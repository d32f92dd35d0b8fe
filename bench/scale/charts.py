"""Curves as a small SVG, drawn by matplotlib: text stays text, and the same figures give the same bytes."""

from collections.abc import Mapping, Sequence
from io import StringIO
from typing import Any, NamedTuple

import matplotlib as mpl
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure

from tracing_aggregator.sizing.curves import Curve

WIDTH, HEIGHT = 3.6, 2.4
COLUMNS = 3
_STYLE: dict[Any, Any] = {"svg.fonttype": "none", "svg.hashsalt": "scale", "font.size": 8, "font.family": "sans-serif"}


class Panel(NamedTuple):
    """One diagram: columns of some curves over their `x`. `is_log`: each step to the right is a factor."""

    title: str
    lines: Sequence[tuple[str, str, str]]
    """Name of the curve, column, name in the legend."""
    is_log: bool = True


PANELS = (
    Panel("Latency, s, over traces/s", [("flink-rate", "p50 s", "p50"), ("flink-rate", "p95 s", "p95")]),
    Panel("Cores busy over traces/s", [("flink-rate", "cores", "live")]),
    Panel(
        "CPU s per million traces over traces/s",
        [("flink-rate", "Java CPU s per million", "Java"), ("flink-rate", "Python CPU s per million", "Python")],
    ),
    Panel("Latency, s, over partitions", [("flink-partitions", "p50 s", "p50"), ("flink-partitions", "p95 s", "p95")]),
    Panel(
        "Latency, s, over groups",
        [("flink-groups", "p50 s", "p50"), ("flink-groups", "p95 s", "p95")],
        is_log=False,
    ),
    Panel("Traces/s at full load over partitions", [("burst-partitions", "traces/s", "Flink"),
          ("replay-partitions", "traces/s without the start", "replay")]),
    Panel("CPU s per million traces over groups",
          [("burst-groups", "Java CPU s per million", "Java"), ("burst-groups", "Python CPU s per million", "Python"),
           ("replay-groups", "CPU s per million", "replay")], is_log=False),
    Panel("State, bytes per message, over retention, s", [("core-retention", "locate bytes", "SENDs"),
          ("core-retention", "join bytes", "blocks"), ("core-retention", "bytes per message", "all")]),
    Panel("Peak memory of a replay, MB, over traces", [("replay-traces", "peak MB", "replay")]),
    Panel("Start of Flink, s, over messages in state", [("flink-start", "running after s", "running"),
          ("flink-start", "first output after s", "first output")], is_log=False),
)  # fmt: skip


def svg(curves: Mapping[str, Curve], panels: Sequence[Panel] = PANELS) -> str:
    """Those panels of which something was measured."""
    drawn = [panel for panel in panels if any(name in curves for name, *_ in panel.lines)]
    rows = -(-len(drawn) // COLUMNS)
    with mpl.rc_context(_STYLE):
        figure = Figure(figsize=(WIDTH * COLUMNS, HEIGHT * rows), layout="constrained")
        FigureCanvasSVG(figure)
        for number, panel in enumerate(drawn, start=1):
            axes = figure.add_subplot(rows, COLUMNS, number)
            for name, column, label in panel.lines:
                if name in curves:
                    points = [(row[curves[name].x], row[column]) for row in curves[name].rows]
                    axes.plot(*zip(*points, strict=True), marker="o", markersize=3, linewidth=1.2, label=label)
            axes.set_title(panel.title, fontsize=8, fontweight="bold")
            axes.set_ylim(0, axes.get_ylim()[1])
            if panel.is_log:
                axes.set_xscale("log", base=2)
                ticks = sorted(
                    {row[curves[name].x] for name, *_ in panel.lines if name in curves for row in curves[name].rows}
                )
                axes.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
                axes.minorticks_off()
            axes.grid(color="#dddddd", linewidth=0.5)
            axes.legend(fontsize=7, frameon=False)
        text = StringIO()
        figure.savefig(text, format="svg", metadata={"Date": None, "Creator": None})
    return "\n".join(line.rstrip() for line in text.getvalue().splitlines()) + "\n"
