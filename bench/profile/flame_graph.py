"""A tree of frames as an SVG: the width of a frame is its share, its tooltip says the rest."""

from collections.abc import Iterator
from xml.sax.saxutils import escape
from zlib import crc32

from bench.profile.stacks import Frame, depth
from bench.profile.steps import Steps

WIDTH, ROW, TOP, SIDE = 1200, 16, 30, 6
#: Average width of a letter, and the narrowest frame that gets a text.
_LETTER, _NARROWEST = 6.2, 24
_COLOURS = (
    "#f2c14e",
    "#f78154",
    "#b4436c",
    "#5fad56",
    "#4d9078",
    "#6d9dc5",
    "#9b7ede",
    "#c9ada7",
    "#83c5be",
    "#e29578",
)
_OTHER = "#d8d8d8"


def svg(title: str, root: Frame, steps: Steps) -> str:
    """The graph, outermost frames at the bottom. Frames of one step have one colour, those of none are grey."""
    height = TOP + ROW * (depth([root]) + 1)
    view = f'viewBox="0 0 {WIDTH} {height}" font-family="monospace" font-size="10"'
    head = f'<text x="{SIDE}" y="18" font-size="13">{escape(title)}</text>'
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" {view}>',
        f'<rect width="{WIDTH}" height="{height}" fill="#fff"/>',
        head,
        *_boxes(root, SIDE, height - ROW - 4, (WIDTH - 2 * SIDE) / max(1, root.count), root.count, steps),
    ]
    return "\n".join([*parts, "</svg>"]) + "\n"


def _boxes(frame: Frame, x: float, y: float, scale: float, whole: int, steps: Steps) -> Iterator[str]:
    width, share = frame.count * scale, 100 * frame.count / max(1, whole)
    step = steps.of_frame(frame.name)
    colour = _OTHER if step is None else _COLOURS[crc32(step.encode()) % len(_COLOURS)]
    yield f"<g><title>{escape(frame.name)} {share:.1f} %</title>"
    yield f'<rect x="{x:.1f}" y="{y}" width="{max(width - 0.4, 0.3):.1f}" height="{ROW - 1}" fill="{colour}"/>'
    if width >= _NARROWEST:
        yield f'<text x="{x + 2:.1f}" y="{y + ROW - 5}">{escape(frame.name[: int((width - 4) / _LETTER)])}</text>'
    yield "</g>"
    for below in sorted(frame.below.values(), key=lambda one: one.name):
        yield from _boxes(below, x, y - ROW, scale, whole, steps)
        x += below.count * scale
