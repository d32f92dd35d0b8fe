"""Frames of a terminal as one animated SVG: a film strip that moves on. Each line that recurs is there once."""

from collections.abc import Sequence
from xml.sax.saxutils import escape

from tools.recording import Frame, Line, Run

_WIDTH, _HEIGHT, _SIZE, _MARGIN = 8, 17, 13, 12
_BACKGROUND, _TEXT = "#14171c", "#d5d9e0"
_COLOURS = {
    "default": _TEXT,
    "black": "#6b7280",
    "red": "#ff7b72",
    "green": "#7ee787",
    "brown": "#f2cc60",
    "blue": "#79c0ff",
    "magenta": "#d2a8ff",
    "cyan": "#76e3ea",
    "white": "#f0f3f6",
}


def animated(frames: Sequence[Frame], columns: int, rows: int, title: str, last_s: float) -> str:
    """The picture, which begins again after the last frame was shown for `last_s` seconds.

    Who wants no motion sees the last frame.
    """
    known: dict[Line, int] = {}
    width, height = columns * _WIDTH + 2 * _MARGIN, rows * _HEIGHT + 2 * _MARGIN
    strip = [_frame(frame, index * width, known) for index, frame in enumerate(frames)]
    begin, length = frames[0].at_s, frames[-1].at_s - frames[0].at_s + last_s
    moves = "".join(
        f"{(frame.at_s - begin) / length * 100:.3f}%{{transform:translateX({-index * width}px)}}"
        for index, frame in enumerate(frames)
    )
    end = -(len(frames) - 1) * width
    lines = "".join(f'<g id="l{number}">{"".join(map(_run, line))}</g>' for line, number in known.items())
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" '
        f'role="img" aria-label="{escape(title)}"><title>{escape(title)}</title>'
        f"<style>text{{font:{_SIZE}px ui-monospace,SFMono-Regular,Menlo,Consolas,'DejaVu Sans Mono',monospace;"
        f"white-space:pre}}.b{{font-weight:700}}.s{{animation:m {length:.2f}s infinite step-end}}"
        f"@keyframes m{{{moves}100%{{transform:translateX({end}px)}}}}"
        f"@media(prefers-reduced-motion){{.s{{animation:none;transform:translateX({end}px)}}}}</style>"
        f"<defs>{lines}</defs>"
        f'<rect width="100%" height="100%" rx="8" fill="{_BACKGROUND}"/><g class="s">{"".join(strip)}</g></svg>\n'
    )


def hurried(frames: Sequence[Frame], most_s: float) -> list[Frame]:
    """The frames, none of which is shown for longer than that: nobody wants to watch a program wait."""
    at_s, shown = 0.0, []
    for before, frame in zip([frames[0], *frames], frames, strict=False):
        at_s += min(most_s, frame.at_s - before.at_s)
        shown.append(frame._replace(at_s=at_s))
    return shown


def _frame(frame: Frame, left: int, known: dict[Line, int]) -> str:
    uses = "".join(
        f'<use href="#l{known.setdefault(line, len(known))}" x="{left + _MARGIN}" y="{_MARGIN + row * _HEIGHT}"/>'
        for row, line in enumerate(frame.lines)
        if line
    )
    return f"<g>{uses}</g>"


def _run(run: Run) -> str:
    """The text, as wide as its columns whatever font there is."""
    blanks = len(run.text) - len(run.text.lstrip())
    text = run.text[blanks:]
    colour = _COLOURS.get(run.colour, f"#{run.colour}")
    bold = ' class="b"' if run.is_bold else ""
    return (
        f'<text x="{(run.column + blanks) * _WIDTH}" y="{_SIZE}" textLength="{len(text) * _WIDTH}" '
        f'lengthAdjust="spacingAndGlyphs" fill="{colour}"{bold}>{escape(text)}</text>'
    )
