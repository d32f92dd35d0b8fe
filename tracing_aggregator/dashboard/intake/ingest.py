"""Takes records of the output topics into the store: whatever comes again, or in another order, ends the same."""

import math
import sqlite3
from collections.abc import Callable, Iterable
from typing import Any

import orjson

from pipeline.config.settings import Settings
from tracing_aggregator.dashboard.intake.sketches import shortened
from tracing_aggregator.dashboard.store import transaction
from transforms.input.dates import NANOS_PER_MILLI, nanos_of
from transforms.input.records import KafkaRecord

Value = dict[str, Any]
#: Takes a value, and when its record was written (ms since the epoch).
Take = Callable[[sqlite3.Connection, Value, int], None]

#: What a record raises that the aggregator did not write: it is counted as unreadable, and skipped.
_UNREADABLE = (ValueError, KeyError, TypeError, AttributeError, OverflowError, sqlite3.ProgrammingError)
#: Duration buckets for each doubling.
STEPS_PER_DOUBLING = 4
_OBSERVED = ("observed", "observedGroup")
_LATENCIES = ("ackLatencyMs", "consumeLatencyMs", "commitLatencyMs", "residenceMs", "fromOriginMs")


class Ingest:
    """Writes records to the store. `topics` are those to be read, in the order of `Settings.output_topics`."""

    def __init__(self, connection: sqlite3.Connection, settings: Settings) -> None:
        self._connection = connection
        self._takers: dict[str, Take] = {
            settings.aggregated_topic: Traces(connection).take,
            settings.anomaly_topic: take_finding,
            settings.stats_topic: take_stats,
            settings.pathway_topic: take_pathway,
            settings.dead_letter_topic: take_dead_letter,
        }
        self.topics = tuple(self._takers)

    def take(self, records: Iterable[KafkaRecord], ends: dict[tuple[str, int], int] | None = None) -> None:
        """Take records, and how far they reach, in one transaction. `ends` are the ends of partitions as last heard."""
        with transaction(self._connection):
            for record in records:
                self._place(record, self._take(record))
            for (topic, partition), end in (ends or {}).items():
                self._connection.execute(
                    "INSERT INTO partitions (topic, partition, next, end) VALUES (?1, ?2, 0, ?3) "
                    "ON CONFLICT DO UPDATE SET end = max(next, ?3)",
                    (topic, partition, end),
                )

    def _take(self, record: KafkaRecord) -> bool:
        """Whether the record could be read. A tombstone says nothing, and that can be read."""
        if record.value is None:
            return True
        try:
            self._takers[record.topic](self._connection, orjson.loads(record.value), max(record.timestamp, 0))
        except _UNREADABLE:
            return False
        return True

    def _place(self, record: KafkaRecord, is_read: bool) -> None:
        self._connection.execute(
            "INSERT INTO partitions VALUES (?1, ?2, ?3, ?3, 1, ?4, ?5) ON CONFLICT DO UPDATE SET "
            "next = ?3, end = max(end, ?3), records = records + 1, unreadable = unreadable + ?4, "
            "written = max(ifnull(written, 0), ifnull(?5, 0))",
            (record.topic, record.partition, record.offset + 1, not is_read, max(record.timestamp, 0)),
        )


class Traces:
    """Aggregated traces: of each id the highest revision."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        rows = connection.execute("SELECT type, topic, groupId, clientId, kind FROM kinds")
        self._kinds: dict[tuple[str, ...], int] = {tuple(words): kind for *words, kind in rows}

    def take(self, connection: sqlite3.Connection, value: Value, _: int = 0) -> None:
        """Keep the trace, unless a later revision of it is known."""
        known = connection.execute("SELECT seq, revision FROM traces WHERE id = ?", (value["id"],)).fetchone()
        revision = _whole(value, "revision") or 1
        if known and known[1] > revision:
            return
        duration = _whole(value, "durationMs")
        row = (
            _text(value["id"]), revision, self._kind(connection, value), nanos_of(value["date"]), _text(value["topic"]),
            _whole(value, "partition"), _whole(value, "offset"), _text_or_none(value, "correlationId"), duration,
            None if duration is None or _is_again(value) else bucket(duration), orjson.dumps(value).decode(),
        )  # fmt: skip
        if known:
            # As a new row, so that the triggers count it once: it goes, and comes.
            connection.execute("DELETE FROM traces WHERE seq = ?", known[:1])
        connection.execute("INSERT INTO traces VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", (known and known[0], *row))

    def _kind(self, connection: sqlite3.Connection, value: Value) -> int:
        phase = "" if value.get("withdrawn") else _text(value["type"])
        words = phase, _text(value["topic"]), _text(value.get("groupId", "")), _text(value["clientId"])
        if words not in self._kinds:
            added = connection.execute("INSERT INTO kinds (type, topic, groupId, clientId) VALUES (?, ?, ?, ?)", words)
            self._kinds[words] = added.lastrowid or 0
        return self._kinds[words]


def _is_again(value: Value) -> bool:
    """Whether it is about a delivery after the first, or a commit that settled nothing: no latency counts these."""
    return (_whole(value, "deliveryCount") or 1) > 1 or bool(value.get("repeated"))


def bucket(duration_ms: int) -> int:
    """The bucket of a duration: -1 below 0 ms, 0 for 0 ms, then STEPS_PER_DOUBLING for each doubling from 1 ms on."""
    if duration_ms <= 0:
        return -1 if duration_ms else 0
    return int(math.log2(duration_ms) * STEPS_PER_DOUBLING) + 1


def bucket_ms(number: int) -> float:
    """Where a bucket begins, in ms; the one below 0 at -1."""
    return float(2 ** ((number - 1) / STEPS_PER_DOUBLING)) if number > 0 else float(number)


def take_finding(connection: sqlite3.Connection, value: Value, written: int) -> None:
    """Keep the last word on a finding, with what earlier records told; `resolved` holds only if the last says so."""
    known = connection.execute("SELECT value, seen FROM findings WHERE id = ?", (_text(value["id"]),)).fetchone()
    earlier = orjson.loads(known[0]) if known else {}
    earlier.pop("resolved", None)
    finding = earlier | value
    date = next((finding[name] for name in ("date", "firstDate", "deadline", "windowStart") if name in finding), None)
    summary = bool(finding.get("summary"))
    connection.execute(
        "INSERT OR REPLACE INTO findings VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            finding["id"], _text(finding["reason"]), _text(finding.get("topic", "")), _text(finding.get("groupId", "")),
            _whole(finding, "partition"), _whole(finding, "offset"), _text_or_none(finding, "correlationId"),
            nanos_of(date) if date else 0, bool(finding.get("resolved")), summary,
            (_whole(finding, "count") or 0) if summary else 1, orjson.dumps(finding).decode(),
            known[1] if known else written,
        ),
    )  # fmt: skip


def take_stats(connection: sqlite3.Connection, value: Value, _: int) -> None:
    """Keep the last record of a window; latencies shortened. No page shows what was observed without traces."""
    kind = _text(value["kind"])
    if kind in _OBSERVED:
        return
    clients = value.get("clients", [])
    topic, group = _text(value.get("topic", value.get("fromTopic", ""))), _text(value.get("groupId", ""))
    to_topic, start = _text(value.get("toTopic", "")), nanos_of(value["windowStart"])
    key = orjson.dumps([kind, topic, group, to_topic, clients, start]).decode()
    if value.get("withdrawn"):
        connection.execute("DELETE FROM stats WHERE key = ?", (key,))
        return
    short = {name: shortened(value[name]) for name in _LATENCIES if value.get(name)}
    connection.execute(
        "INSERT OR REPLACE INTO stats VALUES (?, ?, ?, ?, ?, ?, ?)",
        (key, kind, topic, group, to_topic, start, orjson.dumps(value | short).decode()),
    )


def take_pathway(connection: sqlite3.Connection, value: Value, _: int) -> None:
    """Keep the highest revision of a pathway."""
    dates = [hop.get("consumedAt") or hop.get("sentAt") for hop in value["hops"]]
    date = value["origin"].get("date") or next((one for one in dates if one), "")
    stops = [value["origin"]["topic"], *(hop["toTopic"] for hop in value["hops"] if hop.get("toTopic"))]
    connection.execute(
        "INSERT INTO pathways VALUES (?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET date = excluded.date, "
        "route = excluded.route, revision = excluded.revision, value = excluded.value "
        "WHERE excluded.revision >= revision",
        (
            _text(value["correlationId"]), nanos_of(date), " → ".join(dict.fromkeys(stops)),
            _whole(value, "revision") or 1, orjson.dumps(value).decode(),
        ),
    )  # fmt: skip


def take_dead_letter(connection: sqlite3.Connection, value: Value, _: int) -> None:
    """Keep a dead letter; of a long one each part."""
    connection.execute(
        "INSERT OR REPLACE INTO deadLetters VALUES (?, ?, ?, ?, ?)",
        (
            _text(value["id"]), _text(value["reason"]), _text(value["topic"]), value["timestamp"] * NANOS_PER_MILLI,
            orjson.dumps(value).decode(),
        ),
    )  # fmt: skip


def _text(value: Any) -> str:
    """The text. Raises TypeError for any other type: the aggregator did not write the record."""
    if type(value) is not str:
        raise TypeError(value)
    return value


def _text_or_none(value: Value, name: str) -> str | None:
    return _text(value[name]) if value.get(name) is not None else None


def _whole(value: Value, name: str) -> int | None:
    """The whole number, None if there is none. Raises TypeError for any other type."""
    number = value.get(name)
    if number is not None and type(number) is not int:
        raise TypeError(number)
    return number
