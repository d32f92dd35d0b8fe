"""The timeline: messages, and what happened, or did not, to each."""

from typing import Any, NamedTuple

from tracing_aggregator.explain.gather import Value
from tracing_aggregator.explain.incidents.grouped import Incident
from tracing_aggregator.explain.subject import Place, Subject

#: The type of a step that says what is missing.
GAP = "GAP"


class Step(NamedTuple):
    """One line of a timeline: a trace, or a gap (`type` GAP, `gap` its name, no date).

    `since_origin_ns` counts from the first date of the whole timeline. `facts` are the particulars of the trace, as its
    record has them: durationMs, deliveryCount, settledBy, repeated, failed.
    """

    type: str
    label: str
    group_id: str | None = None
    client_id: str | None = None
    date: str | None = None
    id: str | None = None
    since_origin_ns: int | None = None
    gap: str | None = None
    facts: dict[str, Any] = {}  # noqa: RUF012  never written to


class Message(NamedTuple):
    """One message: its steps in order, the producer's first, then each group's.

    `hop` numbers the topics in the order in which the correlationId came to them, from 1. `place` is None where
    it is not known.
    """

    hop: int
    topic: str
    place: Place | None
    correlation_ids: tuple[str, ...]
    steps: tuple[Step, ...]


class Timeline(NamedTuple):
    """All that is known about a subject; without messages and findings, nothing is.

    `incidents` are those that its findings belong to, with what they did to other messages.
    """

    subject: Subject
    correlation_ids: tuple[str, ...]
    messages: tuple[Message, ...]
    findings: tuple[Value, ...]
    incidents: tuple[Incident, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.messages or self.findings)
