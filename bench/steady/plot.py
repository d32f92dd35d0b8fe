"""Lines over time as an SVG: no more than the documents need."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple
from xml.sax.saxutils import escape

WIDTH, HEIGHT, LEFT, TOP, BOTTOM = 760, 190, 60, 26, 24
COLOURS = ("#1f6feb", "#d9822b", "#2f9e44", "#8250df")
TICKS = 4


class Panel(NamedTuple):
    """One diagram: its title with the unit, and lines by name, each a value per sample."""

    title: str
    lines: Mapping[str, Sequence[float]]


def svg(minutes: Sequence[float], panels: Sequence[Panel]) -> str:
    """The panels below each other, over the same minutes."""
    height = HEIGHT * len(panels)
    view = f'viewBox="0 0 {WIDTH} {height}" font-family="sans-serif" font-size="11"'
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" {view}>',
        f'<rect width="{WIDTH}" height="{height}" fill="#fff"/>',
    ]
    for number, panel in enumerate(panels):
        parts.append(f'<g transform="translate(0 {number * HEIGHT})">')
        parts += _panel(minutes, panel)
        parts.append("</g>")
    return "\n".join([*parts, "</svg>"]) + "\n"


def _panel(minutes: Sequence[float], panel: Panel) -> list[str]:
    top = max(max(line, default=0) for line in panel.lines.values()) * 1.1 or 1
    last = minutes[-1] or 1
    width, height = WIDTH - LEFT - 12, HEIGHT - TOP - BOTTOM
    parts = [f'<text x="{LEFT}" y="16" font-weight="bold">{escape(panel.title)}</text>']
    for tick in range(TICKS + 1):
        y = TOP + height - height * tick / TICKS
        parts.append(f'<line x1="{LEFT}" x2="{LEFT + width}" y1="{y:.1f}" y2="{y:.1f}" stroke="#dddddd"/>')
        parts.append(f'<text x="{LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{_number(top * tick / TICKS)}</text>')
        x, minute = LEFT + width * tick / TICKS, last * tick / TICKS
        anchor = "end" if tick == TICKS else "middle"
        parts.append(f'<text x="{x:.1f}" y="{HEIGHT - 8}" text-anchor="{anchor}">{_number(minute)} min</text>')
    for number, (name, line) in enumerate(panel.lines.items()):
        points = " ".join(
            f"{LEFT + width * minute / last:.1f},{TOP + height - height * value / top:.1f}"
            for minute, value in zip(minutes, line, strict=True)
        )
        colour = COLOURS[number % len(COLOURS)]
        parts.append(f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="1.5"/>')
        x = WIDTH - 12 - 130 * (len(panel.lines) - number - 1)
        parts.append(f'<text x="{x}" y="16" text-anchor="end" fill="{colour}">{escape(name)}</text>')
    return parts


def _number(value: float) -> str:
    return f"{value:.0f}" if value >= 10 else f"{value:.2g}"  # noqa: PLR2004  two digits are enough
