"""What requests may say, and what becomes of it."""

from typing import Annotated, Any

from fastapi import Depends, Query, Request

from tracing_aggregator.dashboard import span
from tracing_aggregator.dashboard.filters import TraceFilter
from tracing_aggregator.dashboard.store import Reader
from transforms.input.dates import NANOS_PER_MILLI

_MAX_MS = 253_402_300_800_000  # the year 10000
LENGTH = 1000

Word = Annotated[str | None, Query(max_length=LENGTH)]
Minutes = Annotated[int, Query(ge=1, le=1440, description="Length of the span, in minutes.")]
Instant = Annotated[int | None, Query(ge=0, le=_MAX_MS, description="In ms since the epoch.")]
Millis = Annotated[int | None, Query(ge=-_MAX_MS, le=_MAX_MS, description="Duration in ms, included.")]
Cursor = Annotated[str | None, Query(pattern=r"^-?\d{1,19}\.\d{1,18}$", description="`next` of the page before.")]
Size = Annotated[int, Query(ge=1, le=500)]
Skip = Annotated[int, Query(ge=0, le=1_000_000, description="How many to leave out from the first on.")]


def _reader(request: Request) -> Reader:
    reader: Reader = request.app.state.reader
    return reader


Store = Annotated[Reader, Depends(_reader)]


def _span(reader: Store, minutes: Minutes = 15, until: Instant = None) -> span.TimeSpan:
    return span.span(reader, minutes, until)


def _word(text: str) -> Any:
    return Query(max_length=LENGTH, description=text)


def _wanted(
    topic: Annotated[str | None, _word("Of this topic alone.")] = None,
    groupId: Annotated[str | None, _word("Of this consumer group alone.")] = None,  # noqa: N803  as in the records
    clientId: Annotated[str | None, _word("Of this client alone.")] = None,  # noqa: N803  the same
) -> TraceFilter:
    return TraceFilter(topic or None, groupId or None, clientId or None)


def _between(since: Instant = None, until: Instant = None) -> tuple[int | None, int | None]:
    return _nanos(since), _nanos(until)


Shown = Annotated[span.TimeSpan, Depends(_span)]
Words = Annotated[TraceFilter, Depends(_wanted)]
#: From this instant up to, not including, that one, in ns; None is no bound.
Between = Annotated[tuple[int | None, int | None], Depends(_between)]


def times(shown: span.TimeSpan) -> dict[str, int]:
    """The bounds of a span, as answers tell them."""
    return {"fromMs": shown.start * span.MINUTE_MS, "untilMs": shown.end * span.MINUTE_MS}


def given(wanted: dict[str, str | None]) -> dict[str, str]:
    """The words that are set."""
    return {name: word for name, word in wanted.items() if word}


def cursor(text: str | None) -> tuple[int, int] | None:
    """A cursor's date in ns and number of row."""
    if text is None:
        return None
    date, _, row = text.partition(".")
    return int(date), int(row)


def _nanos(millis: int | None) -> int | None:
    return None if millis is None else millis * NANOS_PER_MILLI
