"""One message's timeline, from the store: the same that `explain` makes of the topics, found by indices."""

import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path

import orjson

from tracing_aggregator.dashboard.store import Reader, Row
from tracing_aggregator.explain.gather import MAX_RECORDS, Value
from tracing_aggregator.explain.incidents.of_message import AROUND_NS
from tracing_aggregator.explain.seen import LEAST_PREFIX, MOST_NAMES, Seen
from tracing_aggregator.explain.subject import Place, Subject, place_of
from tracing_aggregator.explain.timeline_model import Timeline
from transforms.input.dates import nanos_of

_MAX_FINDINGS = 2000
#: Sorts behind all that a name may go on with.
_LAST = "\U0010ffff"
#: A dashboard that runs says so every few seconds.
_ALIVE_MS = 20_000


class StoreOutputs:
    """The records of a store that may belong to a subject; `tracing_aggregator.explain.output_records.Outputs`."""

    def __init__(self, reader: Reader, subject: Subject) -> None:
        self._reader = reader
        self._records = self._gathered(subject)
        self.looked_at = [f"store {reader.path}"]

    def records(self) -> Iterator[Value]:
        """Those that the subject leads to, and some that it does not."""
        return iter(self._records.values())

    def findings(self) -> Iterator[Value]:
        """Those about these records, their positions, or many messages of their topics, and those of the same time."""
        correlations = {one["correlationId"] for one in self._records.values() if one.get("correlationId")}
        places = {place for one in self._records.values() if (place := place_of(one))}
        topics = {one["topic"] for one in self._records.values()}
        found = [self._found("correlationId = ?", one) for one in correlations]
        found += [self._found("topic = ? AND partition = ? AND offset = ?", *place) for place in places]
        found += [self._found("topic = ? AND (summary OR reason = 'rewound')", topic) for topic in topics]
        dates = [nanos_of(one["date"]) for one in self._records.values()]
        near = min(dates, default=0) - AROUND_NS, max(dates, default=0) + AROUND_NS
        found += [self._found("topic = ? AND date BETWEEN ? AND ?", topic, *near) for topic in topics]
        return iter({row["id"]: orjson.loads(row["value"]) for rows in found for row in rows}.values())

    def _found(self, where: str, *words: object) -> list[Row]:
        query = f"SELECT id, value FROM findings WHERE {where} ORDER BY date DESC LIMIT ?"  # noqa: S608  texts of ours
        return self._reader.rows(query, (*words, _MAX_FINDINGS))

    def _gathered(self, subject: Subject) -> dict[str, Value]:
        """Those of the subject; where there are none, those of the correlationIds that begin with it."""
        records = self._followed(subject, [subject.text, *([subject.place] if subject.place else [])])
        if records or subject.place is not None or len(subject.text) < LEAST_PREFIX:
            return records
        query = (
            "SELECT DISTINCT correlationId AS name FROM traces WHERE correlationId >= ? AND correlationId < ? LIMIT ?"
        )
        names = self._reader.rows(query, (subject.text, f"{subject.text}{_LAST}", MOST_NAMES + 1))
        return self._followed(subject, [row["name"] for row in names])

    def _followed(self, subject: Subject, open_ends: list[str | Place]) -> dict[str, Value]:
        """Follow correlationIds to positions, and the position asked for to correlationIds, until nothing is new."""
        records: dict[str, Value] = {}
        asked: set[object] = set()
        while open_ends and len(records) <= MAX_RECORDS:
            end = open_ends.pop()
            if end in asked:
                continue
            asked.add(end)
            for record in self._at(end):
                records[record["id"]] = record
                correlation, place = record.get("correlationId"), place_of(record)
                if not subject.is_followed:
                    continue
                if place is not None:
                    open_ends.append(place)
                if correlation is not None and end == subject.place:
                    open_ends.append(correlation)
        return records

    def _at(self, end: str | Place) -> list[Value]:
        where, words = (
            ("topic = ? AND partition = ? AND offset = ?", tuple(end))
            if isinstance(end, Place)
            else ("correlationId = ?", (end,))
        )
        query = f"SELECT value FROM traces WHERE {where} ORDER BY date LIMIT ?"  # noqa: S608  texts of ours
        return [orjson.loads(row["value"]) for row in self._reader.rows(query, (*words, MAX_RECORDS + 1))]


def live_store(path: Path, servers: str) -> Reader | None:
    """The store there, if a dashboard fills it now from these brokers; else None."""
    if not path.is_file():
        return None
    reader = Reader(path)
    try:
        known = {row["name"]: row["value"] for row in reader.rows("SELECT name, value FROM meta")}
    except sqlite3.Error:
        return None
    is_alive = time.time_ns() // 1_000_000 - int(known.get("alive", 0)) < _ALIVE_MS
    return reader if is_alive and known.get("servers") == servers else None


def message(reader: Reader, subject: Subject) -> tuple[Timeline, list[str]]:
    """The timeline of the subject, and what was looked at. UserError where it names too many messages."""
    from tracing_aggregator.explain.output_records import explain

    outputs = StoreOutputs(reader, subject)
    return explain(outputs, subject), outputs.looked_at


def why(reader: Reader, subject: Subject) -> str:
    """Why the store has nothing of the subject: what `explain` says when it has gone through the topics."""
    seen = Seen(subject)
    for _ in seen.watch(_outline(reader)):
        pass
    return seen.why()


def _outline(reader: Reader) -> Iterator[Value]:
    """Of each partition where it begins and ends; then the newest trace of each kind, the oldest of them first."""
    ends = "SELECT {0}(offset) FROM traces WHERE topic = ? AND partition = ? AND offset >= 0"
    for place in reader.rows("SELECT DISTINCT topic, partition FROM reached ORDER BY 1, 2"):
        for end in ("min", "max"):
            offset = reader.value(ends.format(end), tuple(place.values()))
            if offset is not None:
                yield {**place, "offset": offset}
    newest = "SELECT seq FROM traces AS one WHERE one.kind = kinds.kind ORDER BY date DESC LIMIT 1"
    for row in reader.rows(
        f"SELECT value FROM kinds JOIN traces ON traces.seq = ({newest}) WHERE type <> '' ORDER BY date"  # noqa: S608
    ):
        yield orjson.loads(row["value"])
