"""Lists: traces, messages, incidents and findings, and what there is to look for."""

from typing import Annotated, Any, Literal

from fastapi import APIRouter, HTTPException, Query, Response

from tracing_aggregator.dashboard.filters import words
from tracing_aggregator.dashboard.message import message
from tracing_aggregator.dashboard.queries import anomalies, find, incidents, slow, traces
from tracing_aggregator.dashboard.routes.parameters import (
    LENGTH,
    Between,
    Cursor,
    Millis,
    Size,
    Skip,
    Store,
    Word,
    Words,
    cursor,
    given,
)  # fmt: skip
from tracing_aggregator.explain.document import document
from tracing_aggregator.explain.subject import Subject, subject_of

lists = APIRouter()

Text = Annotated[str, Query(min_length=1, max_length=LENGTH)]


@lists.get("/traces")
def get_traces(
    reader: Store,
    wanted: Words,
    between: Between,
    subject: Word = None,
    type: Literal["SEND", "ACK", "CONSUME", "COMMIT"] | None = None,  # noqa: A002  as in the records
    minMs: Millis = None,  # noqa: N803  the same
    maxMs: Millis = None,  # noqa: N803  the same
    sort: Literal["date", "duration"] = "date",
    before: Cursor = None,
    size: Size = 50,
) -> dict[str, Any]:
    """Traces, newest or slowest first. `subject` is a correlationId, or topic/partition/offset.

    With `minMs`, `maxMs` or `sort=duration` those of first deliveries alone: what was read again has no latency.
    """
    filters = given({**wanted.given(), "type": type})
    if subject is None and (sort == "duration" or minMs is not None or maxMs is not None):
        took = minMs, maxMs
        return slow.slow(reader, filters, between, took, cursor(before), size, slowest=sort == "duration")
    return traces.traces(reader, filters, _subject(subject) if subject else None, between, cursor(before), size)


@lists.get("/words")
def get_words(reader: Store) -> dict[str, list[str]]:
    """What there is to filter by."""
    return words(reader)


@lists.get("/find")
def get_find(reader: Store, text: Text) -> dict[str, Any]:
    """What a text may mean: the beginning of a correlationId, a position, topic, group or client; else why not."""
    found = find.matches(reader, text)
    return {"matches": found, "why": None if found else find.why(reader, text)}


@lists.get("/message")
def get_message(reader: Store, subject: Text) -> dict[str, Any]:
    """The timeline of one message: docs/schemas/explain.json."""
    shown, looked_at = message(reader, _subject(subject))
    if not shown:
        raise HTTPException(404, {"why": find.why(reader, subject), "matches": find.matches(reader, subject)})
    return document(shown, looked_at)


@lists.get("/incidents")
def get_incidents(
    reader: Store,
    wanted: Words,
    between: Between,
    reason: Word = None,
    state: Literal["open", "acknowledged", "resolved", "all"] = "open",
    skip: Skip = 0,
    size: Size = 50,
) -> dict[str, Any]:
    """Incidents, newest first: findings that have one cause."""
    return incidents.found(reader, between, wanted, reason or None, state, skip, size)


@lists.put("/acknowledged", status_code=204)
def put_acknowledged(reader: Store, id: Text, number: Annotated[int, Query(ge=1)]) -> Response:  # noqa: A002
    """Someone has looked at this incident when it had so many findings; one more opens it again."""
    incidents.acknowledge(reader.path, id, number)
    return Response(status_code=204)


@lists.delete("/acknowledged", status_code=204)
def delete_acknowledged(reader: Store, id: Text) -> Response:  # noqa: A002
    """Nobody has looked at this incident."""
    incidents.acknowledge(reader.path, id, None)
    return Response(status_code=204)


@lists.get("/anomalies")
def get_anomalies(
    reader: Store,
    wanted: Words,
    between: Between,
    reason: Word = None,
    state: Literal["open", "resolved", "all"] = "open",
    before: Cursor = None,
    size: Size = 50,
) -> dict[str, Any]:
    """Findings, newest first."""
    filters = given({"reason": reason, "topic": wanted.topic, "groupId": wanted.group})
    resolved = None if state == "all" else state == "resolved"
    return anomalies.anomalies(reader, filters, between, resolved, cursor(before), size)


def _subject(text: str) -> Subject:
    """`topic-partition@offset` too, as logs have it."""
    place = find.position(text)
    return subject_of(text if place is None or place[2] is None else "/".join(map(str, place)))
