"""Incidents of a span, from the findings that are stored; who has looked at them is stored too."""

import sqlite3
import time
from contextlib import closing
from pathlib import Path

import orjson

from tracing_aggregator.dashboard.filters import TraceFilter, where
from tracing_aggregator.dashboard.store import Reader, Row, transaction
from tracing_aggregator.explain.incidents.grouped import Incident, incidents
from transforms.input.dates import NANOS_PER_MILLI

#: So many findings are grouped at most, the newest.
MOST = 10_000
#: So many incidents stay acknowledged, those last looked at.
_REMEMBERED = 10_000
STATES = ("open", "acknowledged", "resolved", "all")
_BUSY_S = 5.0


def found(
    reader: Reader,
    between: tuple[int | None, int | None],
    wanted: TraceFilter,
    reason: str | None,
    state: str,
    skip: int,
    size: int,
) -> Row:
    """A page of incidents, the newest first, how many there are, and whether older findings were left out.

    Of a group or client are those of which any finding names it. One that has grown since it was acknowledged is open
    again.
    """
    topic = TraceFilter(topic=wanted.topic).given()
    since, until = between
    rows = reader.rows(
        f"SELECT value, seen FROM findings WHERE date >= :since AND date < :until{where(topic)} "  # noqa: S608
        "ORDER BY date DESC LIMIT :most",
        {**topic, "since": since or 0, "until": 2**63 - 1 if until is None else until, "most": MOST},
    )
    findings = [orjson.loads(row["value"]) for row in rows]
    seen = {finding["id"]: row["seen"] for finding, row in zip(findings, rows, strict=True)}
    looked = {row["id"]: row for row in reader.rows("SELECT id, number, date FROM acknowledged")}
    all_of_them = [
        (one, _state(one, looked.get(one.id)))
        for one in incidents(findings)
        if reason in {None, one.reason} and _is_wanted(one, wanted)
    ]
    fitting = [(one, its) for one, its in all_of_them if state in {"all", its}]
    return {
        "incidents": [
            shown(one) | {
                "state": its,
                "acknowledged": looked.get(one.id),
                "seenMs": max(seen[finding["id"]] for finding in (*one.findings, *one.folded)),
            }
            for one, its in fitting[skip : skip + size]
        ],
        "total": len(fitting),
        "states": {name: sum(its == name for _, its in all_of_them) for name in STATES[:3]},
        "isCut": len(rows) == MOST,
    }  # fmt: skip


def shown(one: Incident) -> Row:
    """An incident as JSON."""
    return {
        "id": one.id, "text": one.text, "reason": one.reason, "topic": one.topic, "groupId": one.group,
        "first": one.first, "last": one.last, "number": one.number, "consequences": one.consequences,
        "examples": list(one.examples), "findings": size_of(one),
    }  # fmt: skip


def size_of(one: Incident) -> int:
    """How many findings it has, those folded in too."""
    return one.number + sum(one.consequences.values())


def acknowledge(path: Path, identity: str, number: int | None) -> None:
    """Remember that someone has looked at an incident when it had so many findings; None forgets it."""
    with closing(sqlite3.connect(path, timeout=_BUSY_S, isolation_level=None)) as connection, transaction(connection):
        if number is None:
            connection.execute("DELETE FROM acknowledged WHERE id = ?", (identity,))
            return
        now = time.time_ns() // NANOS_PER_MILLI
        connection.execute("INSERT OR REPLACE INTO acknowledged VALUES (?, ?, ?)", (identity, number, now))
        connection.execute(
            "DELETE FROM acknowledged WHERE id NOT IN (SELECT id FROM acknowledged ORDER BY date DESC LIMIT ?)",
            (_REMEMBERED,),
        )


def _state(one: Incident, looked: Row | None) -> str:
    if not one.is_open:
        return "resolved"
    return "acknowledged" if looked and looked["number"] >= size_of(one) else "open"


def _is_wanted(one: Incident, wanted: TraceFilter) -> bool:
    findings = (*one.findings, *one.folded)
    return all(
        any(finding.get(name) == word for finding in findings)
        for name, word in wanted.given().items()
        if name != "topic"
    )
