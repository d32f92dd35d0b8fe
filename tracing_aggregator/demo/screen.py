"""What the demo tells, line by line: into a pipe or a file, or as JSON lines. `terminal.py` has the one for a person.

What happens goes to stdout; the totals and all talk to stderr.
"""

import sys
import time
from collections.abc import Callable
from typing import Any, Self

import click
import orjson

from pipeline.config.settings import Settings
from pipeline.envelope import to_line
from tracing_aggregator.demo.incidents import Incidents, Told
from tracing_aggregator.demo.messages import Messages
from tracing_aggregator.demo.rows import HEADINGS, TraceRow, line, row
from tracing_aggregator.demo.window_totals import WindowTotals
from transforms.input.records import KafkaRecord

TOTALS_EACH_S = 10.0


class Screen:
    """Plain lines; the totals every 10 s and at the end. A context manager.

    Args:
        is_firehose: every trace is a row, instead of one line for each message that is complete.
        clock: seconds that only grow.
        wall_ms: ms since the epoch.
    """

    def __init__(
        self,
        *,
        is_firehose: bool = False,
        clock: Callable[[], float] = time.monotonic,
        wall_ms: Callable[[], int] = lambda: time.time_ns() // 1_000_000,
    ) -> None:
        self._is_firehose = is_firehose
        self._clock = clock
        self._wall_ms = wall_ms
        self._shown_at = clock()
        self._topics = Settings()
        self.totals = WindowTotals()
        self.messages = Messages()
        self.incidents = Incidents("tracing-aggregator explain {}")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.tell(self.summary())

    def begin(self, settings: Settings, page: str) -> None:  # noqa: ARG002  for those that have a head
        """Where everything is: topics and brokers of these settings, and the address of the page."""
        self._topics = settings
        self.incidents = Incidents(f"tracing-aggregator explain {{}} -b {settings.bootstrap_servers}")
        if self._is_firehose:
            self.heading(line(HEADINGS))

    def take(self, arrivals: list[KafkaRecord]) -> None:
        """Shows what arrived in the output topics, and what follows from it."""
        findings = []
        for arrival in arrivals:
            value = orjson.loads(arrival.value or b"{}")
            if arrival.topic == self._topics.aggregated_topic:
                self.trace(arrival, value)
            elif arrival.topic == self._topics.anomaly_topic:
                findings.append(value)
            else:
                self.totals.take(value)
        if findings:
            self.incidents.take(findings)
        for told in self.incidents.news(self._clock()):
            self.incident(told)

    def trace(self, arrival: KafkaRecord, value: dict[str, Any]) -> None:  # noqa: ARG002  JSON is of the arrival itself
        """Shows an aggregated trace, or its message if that is complete."""
        if self._is_firehose:
            self.row(row(value))
        elif text := self.messages.take(value):
            self.message(text)

    def refresh(self) -> None:
        """Shows the totals if it is time to."""
        if self._clock() >= self._shown_at + TOTALS_EACH_S:
            self._shown_at = self._clock()
            self.tell(self.summary())

    def summary(self) -> str:
        """The totals in a line."""
        numbers = self.totals.numbers(self._wall_ms())
        return f"{numbers}  {numbers.latency}  {self.incidents.summary()}"

    def tell(self, text: str) -> None:
        """A line of talk."""
        click.echo(text, err=True)

    def heading(self, text: str) -> None:
        """The head of the table of traces."""
        click.echo(text)

    def row(self, shown: TraceRow) -> None:
        """Print a trace as a line."""
        click.echo(shown.text)

    def message(self, text: str) -> None:
        """A message that is complete."""
        click.echo(f"✓ {text}")

    def incident(self, told: Told) -> None:
        """Something that went wrong."""
        click.echo(f"✗ {told.text}")
        if told.command:
            click.echo(f"  {told.command}")


class JsonScreen(Screen):
    """Traces in the envelope of `kcat -J`, one a line."""

    def heading(self, text: str) -> None:
        """JSON needs no head."""

    def trace(self, arrival: KafkaRecord, value: dict[str, Any]) -> None:  # noqa: ARG002  the arrival is all
        """Writes it as it came."""
        sys.stdout.buffer.write(to_line(arrival.topic, arrival.key or b"", arrival.value or b""))
        sys.stdout.buffer.flush()

    def incident(self, told: Told) -> None:
        """Findings are not traces."""
