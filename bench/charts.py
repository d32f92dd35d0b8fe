"""Panels of lines as one SVG, drawn by matplotlib: text stays text, and the same figures give the same bytes."""

from collections.abc import Mapping, Sequence
from io import StringIO
from typing import Any, NamedTuple

import matplotlib as mpl
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure

HEIGHT = 2.4
_STYLE: dict[Any, Any] = {"svg.fonttype": "none", "svg.hashsalt": "scale", "font.size": 8, "font.family": "sans-serif"}

Points = Sequence[tuple[float, float]]


class Panel(NamedTuple):
    """One diagram: its title with the unit, and points by the name of the line.

    `is_log`: each step to the right is a factor, and each point is marked.
    """

    title: str
    lines: Mapping[str, Points]
    is_log: bool = False


def svg(panels: Sequence[Panel], *, columns: int, width: float) -> str:
    """The panels in rows of so many; `width` in inches is that of one panel."""
    rows = -(-len(panels) // columns)
    with mpl.rc_context(_STYLE):
        figure = Figure(figsize=(width * columns, HEIGHT * rows), layout="constrained")
        FigureCanvasSVG(figure)
        for number, panel in enumerate(panels, start=1):
            axes = figure.add_subplot(rows, columns, number)
            for name, points in panel.lines.items():
                axes.plot(
                    *zip(*points, strict=True),
                    marker="o" if panel.is_log else "",
                    markersize=3,
                    linewidth=1.2,
                    label=name,
                )
            axes.set_title(panel.title, fontsize=8, fontweight="bold")
            axes.set_ylim(0, axes.get_ylim()[1])
            if panel.is_log:
                axes.set_xscale("log", base=2)
                ticks = sorted({x for points in panel.lines.values() for x, _ in points})
                axes.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
                axes.minorticks_off()
            axes.grid(color="#dddddd", linewidth=0.5)
            axes.legend(fontsize=7, frameon=False)
        text = StringIO()
        figure.savefig(text, format="svg", metadata={"Date": None, "Creator": None})
    return "\n".join(line.rstrip() for line in text.getvalue().splitlines()) + "\n"
