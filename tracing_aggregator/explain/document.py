"""The timeline as one JSON document: docs/schemas/explain.json."""

from collections.abc import Sequence
from typing import Any

from tracing_aggregator.explain.gather import Value
from tracing_aggregator.explain.incidents.grouped import Incident
from tracing_aggregator.explain.timeline_model import Step, Timeline, TimelineMessage
from transforms.input.dates import duration_ms


def document(shown: Timeline, looked_at: Sequence[str]) -> dict[str, Any]:
    """The document; `looked_at` says what was read."""
    topics = dict.fromkeys(message.topic for message in shown.messages)
    return {
        "subject": shown.subject.text,
        "lookedAt": list(looked_at),
        "correlationIds": list(shown.correlation_ids),
        "topics": list(topics),
        "messages": [_message(message) for message in shown.messages],
        "incidents": [_incident(incident) for incident in shown.incidents],
        "findings": [_finding(finding) for finding in shown.findings],
    }


def _message(message: TimelineMessage) -> dict[str, Any]:
    place = {} if message.place is None else message.place._asdict()
    return {
        "hop": message.hop,
        "topic": message.topic,
        **place,
        "correlationIds": list(message.correlation_ids),
        "steps": [_step(step) for step in message.steps],
    }


def _step(step: Step) -> dict[str, Any]:
    since = None if step.since_origin_ns is None else duration_ms(0, step.since_origin_ns)
    known = {
        "type": step.type,
        "gap": step.gap,
        "date": step.date,
        "sinceOriginMs": since,
        "groupId": step.group_id,
        "clientId": step.client_id,
        "id": step.id,
        **step.facts,
        "label": step.label,
    }
    return {name: fact for name, fact in known.items() if fact is not None}


def _incident(incident: Incident) -> dict[str, Any]:
    known = {
        "id": incident.id,
        "text": incident.text,
        "reason": incident.reason,
        "topic": incident.topic,
        "groupId": incident.group,
        "first": incident.first,
        "last": incident.last,
        "number": incident.number,
        "consequences": incident.consequences,
        "examples": list(incident.examples),
        "resolved": not incident.is_open,
    }
    return {name: fact for name, fact in known.items() if fact is not None}


def _finding(finding: Value) -> dict[str, Any]:
    return {**finding, "resolved": bool(finding.get("resolved"))}
