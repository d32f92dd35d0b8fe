"""Where the demo shows what arrives: a live table on a terminal, plain lines into a pipe, or JSON lines.

Traces go to stdout; the totals and all talk to stderr, except on a terminal, where one live display has it all.
"""

import sys
import time
from typing import Self

import click
import orjson
from rich.console import Console
from rich.live import Live
from rich.text import Text

from demo.feed import Arrival
from demo.rows import HEADINGS, line, row
from demo.totals import Totals
from pipeline.envelope import to_line

STYLES = {"SEND": "cyan", "ACK": "blue", "CONSUME": "green", "COMMIT": "magenta"}
MARKED = "bold yellow"
TOTALS_EACH_S = 10.0


class Screen:
    """Plain lines, which suit pipes and files; the totals every 10 s and at the end. A context manager."""

    def __init__(self) -> None:
        self._totals = Totals()
        self._shown_at = time.monotonic()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._totals:
            self.tell(str(self._totals))

    def tell(self, text: str) -> None:
        """A line of talk."""
        click.echo(text, err=True)

    def begin(self) -> None:
        """The head of the table."""
        click.echo(line(HEADINGS))

    def traces(self, arrivals: list[Arrival]) -> None:
        """Shows and counts aggregated traces."""
        for arrival in arrivals:
            trace = orjson.loads(arrival.value)
            self._totals.add_trace(trace)
            self._show(arrival, trace)

    def findings(self, arrivals: list[Arrival]) -> None:
        """Counts findings."""
        for arrival in arrivals:
            self._totals.add_finding(orjson.loads(arrival.value))

    def refresh(self) -> None:
        """Shows the totals if it is time to."""
        if self._totals and time.monotonic() >= self._shown_at + TOTALS_EACH_S:
            self._shown_at = time.monotonic()
            self.tell(str(self._totals))

    def _show(self, arrival: Arrival, trace: dict[str, object]) -> None:  # noqa: ARG002 - one signature for all
        click.echo(row(trace).text)


class JsonScreen(Screen):
    """Traces in the envelope of `kcat -J`, one a line."""

    def begin(self) -> None:
        """JSON needs no head."""

    def _show(self, arrival: Arrival, trace: dict[str, object]) -> None:  # noqa: ARG002 - one signature for all
        sys.stdout.buffer.write(to_line(*arrival))
        sys.stdout.buffer.flush()


class Terminal(Screen):
    """Coloured lines above a line of totals that is always there; without colours where `NO_COLOR` is set."""

    def __init__(self) -> None:
        super().__init__()
        self._console = Console(highlight=False, soft_wrap=True)
        self._live = Live(console=self._console, auto_refresh=False, get_renderable=self._line_of_totals)

    def __enter__(self) -> Self:
        self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._live.refresh()
        self._live.stop()

    def tell(self, text: str) -> None:
        """A line of talk; to stderr if that is elsewhere."""
        if sys.stderr.isatty():
            self._console.print(Text(text, "dim"))
        else:
            click.echo(text, err=True)

    def begin(self) -> None:
        """The head of the table."""
        self._console.print(Text(line(HEADINGS), "bold"))

    def refresh(self) -> None:
        """Shows the totals as they are now."""
        self._live.refresh()

    def _show(self, arrival: Arrival, trace: dict[str, object]) -> None:  # noqa: ARG002 - one signature for all
        shown = row(trace)
        self._console.print(Text(shown.text, MARKED if shown.is_marked else STYLES[shown.kind]))

    def _line_of_totals(self) -> Text:
        return Text(str(self._totals) if self._totals else "", "bold", no_wrap=True, overflow="ellipsis")


def screen(*, as_json: bool) -> Screen:
    """The one that suits stdout."""
    if as_json:
        return JsonScreen()
    return Terminal() if sys.stdout.isatty() else Screen()
