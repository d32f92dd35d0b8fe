"""`python -m tools.record_demo`: the moving picture of the README, recorded from a real demo.

It shows the demo's terminal while a group goes back, and how `explain` tells it of one message.
"""

import re
import shutil
import sys
import tempfile
from pathlib import Path

import click

from tools.animated_svg import animated, hurried
from tools.recording import Frame, Recording

PICTURE = Path(__file__).parent.parent / "docs" / "screenshots" / "demo.svg"
COLUMNS, ROWS = 80, 34
#: A rewind and the command that explains one of its messages, as the demo shows them in two lines.
INCIDENT = re.compile(r"✗ [^\n]* went back [^\n]* read again *\n +tracing-aggregator explain (\S+) -b (\S+)")
TITLE = "The demo in a terminal: messages as they complete, a rewind as it happens, and explain for one of its messages"
MOST_BYTES = 2_000_000
_START_S, _EXPLAINED_S, _EACH_S = 600, 60, 0.5
#: Seconds of the demo before the incident and after it; of the explanation.
_BEFORE_S, _AFTER_S, _READ_S = 8.0, 6.0, 8.0
_KEY_S = 0.04
#: What takes longer than this is cut short.
_WAIT_S = 1.0


@click.command()
def main() -> None:
    """Record, and write docs/screenshots/demo.svg."""
    with tempfile.TemporaryDirectory(prefix="record-demo-") as folder:
        frames = _record(Path(folder))
    picture = animated(hurried(frames, _WAIT_S), COLUMNS, ROWS, TITLE, _READ_S)
    if len(picture) > MOST_BYTES:
        raise click.ClickException(f"The picture has {len(picture)} bytes; {MOST_BYTES} are the most.")
    PICTURE.write_text(picture, encoding="utf-8")
    click.echo(f"wrote {PICTURE}: {len(frames)} frames, {len(picture.encode()) // 1000} kB", err=True)


def _record(folder: Path) -> list[Frame]:
    program = Path(sys.executable).with_name("tracing-aggregator")
    path = {"PATH": f"{program.parent}:/usr/bin:/bin", "PS1": "$ "}
    shell = shutil.which("sh") or "/bin/sh"
    with Recording([str(program), "demo", "--data", str(folder)], COLUMNS, ROWS, path) as demo:
        if (
            not demo.watch(lambda: INCIDENT.search(demo.text) is not None, _START_S, _EACH_S)
            or (match := INCIDENT.search(demo.text)) is None
        ):
            raise click.ClickException(f"No group went back within {_START_S} s. The screen:\n{demo.text}")
        seen_s = demo.now_s
        demo.watch(lambda: False, _AFTER_S, _EACH_S)
        with Recording([shell, "+m"], COLUMNS, ROWS, path) as person:
            person.watch(lambda: "$" in person.text, _AFTER_S)
            person.type(f"tracing-aggregator explain {match[1]} -b {match[2]}\r", _KEY_S)
            if not person.watch(lambda: person.text.rstrip().endswith("\n$"), _EXPLAINED_S):
                raise click.ClickException(f"No explanation within {_EXPLAINED_S} s. The screen:\n{person.text}")
            person.type("exit\r", 0)
            explained = [frame for frame in person.frames if not any("exit" in run.text for run in frame.lines[-1])]
    shown = [frame for frame in demo.frames if seen_s - _BEFORE_S <= frame.at_s <= seen_s + _AFTER_S]
    later_s = seen_s + _AFTER_S - explained[0].at_s
    return [*shown, *(frame._replace(at_s=frame.at_s + later_s) for frame in explained)]


if __name__ == "__main__":
    main()
