"""The demo on a terminal: a head that stays, below it what happens, one line each; without colours for `NO_COLOR`."""

import sys
import textwrap
import time
from collections import deque
from itertools import islice
from threading import Lock
from typing import Any, Self

import click
from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.live import Live
from rich.rule import Rule
from rich.table import Table
from rich.text import Text

from pipeline.config.settings import Settings
from tracing_aggregator.demo.incidents import Told
from tracing_aggregator.demo.rows import COLOURS, MARKED, Row
from tracing_aggregator.demo.screen import JsonScreen, Screen

#: More lines than any terminal has.
KEPT = 400
REFRESH_S = 0.2
#: Incidents that the head shows.
PINNED = 3


class Terminal(Screen):
    """Takes the whole terminal while the block runs; then the totals and incidents stay on it."""

    def __init__(self, console: Console | None = None, **options: Any) -> None:
        super().__init__(**options)
        self._console = console or Console(highlight=False)
        self._live = Live(self, console=self._console, auto_refresh=False, screen=True, vertical_overflow="crop")
        self._lock = Lock()
        self._lines: deque[tuple[str | None, Text]] = deque(maxlen=KEPT)
        self._page = ""
        self._refreshed_at = 0.0
        self._is_over = False

    def __enter__(self) -> Self:
        self._live.start(refresh=True)
        return self

    def __exit__(self, *_: object) -> None:
        self._is_over = True
        self._live.stop()
        for incident in reversed(self.incidents.known):
            self._console.print(_of_incident(self.incidents.told(incident))[0])
        self.tell(self.summary())

    def begin(self, settings: Settings, page: str) -> None:
        """Fill the head."""
        self._page = page
        super().begin(settings, page)

    def refresh(self) -> None:
        """Draw anew, a few times a second at most."""
        if not self._is_over and time.monotonic() >= self._refreshed_at + REFRESH_S:
            self._refreshed_at = time.monotonic()
            self._live.refresh()

    def tell(self, text: str) -> None:
        """A line of talk; to stderr if that is elsewhere, or the terminal is as before."""
        if self._is_over or not sys.stderr.isatty():
            click.echo(text, err=True)
            return
        for one in text.splitlines():
            for line in textwrap.wrap(one, self._console.width, subsequent_indent="  ") or [""]:
                self._add(None, Text(line, "dim"))
        self._live.refresh()

    def heading(self, text: str) -> None:
        """The head of the table of traces."""
        self._add(None, Text(text, "bold"))

    def row(self, shown: Row) -> None:
        """A trace."""
        self._add(None, Text(shown.text, f"bold {MARKED}" if shown.is_marked else COLOURS[shown.kind]))

    def message(self, text: str) -> None:
        """A message that is complete."""
        self._add(None, Text.assemble(("✓ ", "green"), text))

    def incident(self, told: Told) -> None:
        """What went wrong; where it was told before, and still is to be seen, it is told there."""
        texts = _of_incident(told)
        with self._lock:
            places = [index for index, (identity, _) in enumerate(self._lines) if identity == told.id]
            for index, text in zip(places, texts, strict=False):
                self._lines[index] = told.id, _cut(text)
        if not places:
            for text in texts:
                self._add(told.id, text)

    def _add(self, incident: str | None, text: Text) -> None:
        with self._lock:
            self._lines.append((incident, _cut(text)))

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """The head, and the newest lines that fit below it. An incident that became part of another one goes."""
        known = {incident.id for incident in self.incidents.known}
        with self._lock:
            lines = [text for incident, text in self._lines if incident is None or incident in known]
        head = self._head()
        room = max(1, (options.height or console.height) - len(head))
        yield Group(*head, *islice(lines, max(0, len(lines) - room), None))

    def _head(self) -> list[RenderableType]:
        """Where it is, the totals, and the newest incidents that are open; each one line."""
        numbers = self.totals.numbers(self._wall_ms())
        is_open = [incident for incident in self.incidents.known if incident.is_open]
        newest = [self.incidents.told(incident) for incident in is_open[:PINNED]]
        broker = f"broker {self._topics.bootstrap_servers}" if self._page else "starting"
        return [
            _apart(Text(f"Kafka tracing demo  {self._page}", "bold"), Text(broker)),
            _cut(Text(str(numbers))),
            _apart(
                Text(f"produced to read: {numbers.latency}  (last 15 min)"),
                Text(self.incidents.summary(), "bold red" if is_open else "green"),
            ),
            *(_cut(text) for told in reversed(newest) for text in _of_incident(told)[: 2 if told is newest[0] else 1]),
            Rule(style="dim"),
        ]


def _apart(left: Text, right: Text) -> Table:
    """Both in one line, at its ends."""
    line = Table.grid(expand=True)
    line.add_column(no_wrap=True)
    line.add_column(justify="right", no_wrap=True)
    line.add_row(left, right)
    return line


def _cut(text: Text) -> Text:
    """The text in one line, whatever the width."""
    text.no_wrap, text.overflow = True, "ellipsis"
    return text


def _of_incident(told: Told) -> list[Text]:
    head = Text.assemble(("✗ ", "bold red"), (told.text, "bold red" if told.is_open else "yellow"))
    return [head, *([Text(f"  {told.command}", "cyan")] if told.command else [])]


def screen(*, as_json: bool, is_firehose: bool) -> Screen:
    """The one that suits stdout."""
    if as_json:
        return JsonScreen()
    return Terminal(is_firehose=is_firehose) if sys.stdout.isatty() else Screen(is_firehose=is_firehose)
