"""The timeline for a person: on a terminal what does not fit goes below, indented; into a pipe one plain line each."""

from collections.abc import Iterator
from itertools import groupby
from typing import NamedTuple

from rich.console import Console
from rich.padding import Padding
from rich.text import Text

from tracing_aggregator.explain.gather import Value
from tracing_aggregator.explain.incidents.grouped import Incident
from tracing_aggregator.explain.model import GAP, Message, Step, Timeline
from tracing_aggregator.explain.subject import place_of
from tracing_aggregator.explain.words import CAUSES, NO_GROUP, REASONS, elapsed

STYLES = {"SEND": "cyan", "ACK": "blue", "CONSUME": "green", "COMMIT": "magenta", GAP: "bold yellow"}
_TIME, _DELTA, _TYPE = 12, 11, 7
_DATE = len("2026-01-31")
_GAP_INDENT = 2 + _TIME + _DELTA + 2
#: Indents where a line does not fit, and of what then goes below.
_TIGHT, _BELOW = 2, 4


class Line(NamedTuple):
    """A line and its indent in columns; `more` follows where there is room, else it goes below."""

    indent: int
    text: Text
    more: Text = Text()


def show(console: Console, shown: Timeline) -> None:
    """Print the timeline."""
    for indent, text, more in lines(shown):
        whole = text + more
        if not console.is_terminal:
            console.print(Text(" " * indent) + whole, soft_wrap=True)
        elif indent + whole.cell_len <= console.width:
            _print(console, indent, whole)
        else:
            _print(console, min(indent, _TIGHT), text)
            if more:
                _print(console, _BELOW, more)


def _print(console: Console, indent: int, text: Text) -> None:
    console.print(Padding(text, (0, 0, 0, indent), expand=False) if text else "")


def lines(shown: Timeline) -> Iterator[Line]:
    """What is printed, line by line."""
    yield Line(0, Text(_heading(shown), "bold"))
    for message in shown.messages:
        yield Line(0, Text())
        yield from _message(message, len(dict.fromkeys(one.topic for one in shown.messages)))
    if shown.incidents:
        yield Line(0, Text())
        yield Line(0, Text("Incidents" if len(shown.incidents) > 1 else "Incident", "bold"))
        for incident in shown.incidents:
            yield Line(2, *_incident(incident))
    if shown.findings:
        yield Line(0, Text())
        yield Line(0, Text("Findings", "bold"))
        for finding in shown.findings:
            yield Line(2, *_finding(finding))


def _heading(shown: Timeline) -> str:
    names = ", ".join(shown.correlation_ids)
    if shown.subject.place is None:
        return f"correlationId {names}"
    return f"{shown.subject.text}, correlationId {names or 'unknown'}"


def _message(message: Message, hops: int) -> Iterator[Line]:
    head = Text(str(message.place or f"{message.topic}, position unknown"), "bold")
    if hops > 1:
        head.append(f"  hop {message.hop} of {hops}", "not bold dim")
    yield Line(0, head)
    dates = [step.date for step in message.steps if step.date is not None]
    day = dates[0][:_DATE] if dates else ""
    if dates:
        yield Line(2, Text(f"{day} (UTC)", "dim"))
    for group, steps in groupby(message.steps, key=lambda step: step.group_id):
        if group is not None:
            yield Line(2, Text(f"group {group}" if group else NO_GROUP, "bold"))
        for step in steps:
            yield Line(2 if step.date else _GAP_INDENT, *_step(step, day))


def _step(step: Step, day: str) -> tuple[Text, Text]:
    kind = Text(f"{step.type:<{_TYPE}} ", STYLES[step.type])
    if step.date is None or step.since_origin_ns is None:
        return kind, Text(step.label, STYLES[GAP])
    date, _, clock = step.date.rstrip("Z").partition("T")
    second, _, fraction = clock.partition(".")
    time = f"{second}.{fraction:0<3.3}"
    delta = elapsed(step.since_origin_ns)
    plus = "" if step.since_origin_ns == 0 else delta if delta.startswith("-") else f"+{delta}"
    more = Text(f"{step.client_id}: {step.label}")
    if date != day:
        more.append(f" (on {date})", "dim")
    return Text(f"{time:<{_TIME}} {plus:>{_DELTA}} ") + kind, more


def _incident(incident: Incident) -> tuple[Text, Text]:
    state = _state(is_open=incident.is_open)
    day, _, time = (incident.first or "").partition("T")
    at = f"{day} {time.rstrip('Z').partition('.')[0]}" if time else ""
    return state.append(f"{at} ", "dim" if at else ""), Text(incident.text, "bold")


def _state(*, is_open: bool) -> Text:
    return Text("open     ", "bold red") if is_open else Text("resolved ", "green")


def _finding(finding: Value) -> tuple[Text, Text]:
    text = _state(is_open=not finding.get("resolved"))
    text.append(f"{finding['reason']}", "bold")
    if finding["reason"] in REASONS:
        text.append(f": {REASONS[finding['reason']]}")
    place = place_of(finding)
    particulars = [
        str(place or finding.get("topic", "any topic")),
        *(f"{word} {finding[name] or NO_GROUP}" for word, name in _PARTICULARS if name in finding),
        *([f"{finding['count']} in this minute, summed up: it may be one of them"] if "summary" in finding else []),
        *([f"cause: {CAUSES.get(finding['cause'], finding['cause'])}"] if "cause" in finding else []),
    ]
    return text.append(" "), Text(f"({', '.join(particulars)})")


_PARTICULARS = (
    ("group", "groupId"),
    ("client", "clientId"),
    ("delivery", "deliveryCount"),
    ("from offset", "fromOffset"),
    ("dated", "date"),
    ("minute", "windowStart"),
    ("deadline", "deadline"),
)
