"""How the pipeline and this store are: records, lag, dead letters, clocks."""

import orjson

from tracing_aggregator.dashboard.clock_bounds import tightened
from tracing_aggregator.dashboard.store import Reader, Row

_DEAD_LETTERS = 50
_SKEWS = 200


def health(reader: Reader) -> Row:
    """Per topic how far it was read, dead letters by reason, and how far clocks are apart."""
    letters = reader.rows("SELECT value FROM deadLetters ORDER BY date DESC LIMIT ?", (_DEAD_LETTERS,))
    skews = reader.rows("SELECT value FROM stats WHERE kind = 'clockSkew' ORDER BY date DESC LIMIT ?", (_SKEWS,))
    hours: dict[tuple[str | None, str], list[Row]] = {}
    for row in skews:
        skew = orjson.loads(row["value"])
        hours.setdefault((skew.get("cluster"), skew["windowStart"]), []).append(skew)
    newest: dict[tuple[str, ...], Row] = {}
    for skew in (one for hour in hours.values() for one in tightened(hour)):
        newest.setdefault(tuple(skew["clients"]), skew)
    return {
        "topics": reader.rows(
            "SELECT topic, count(*) AS partitions, sum(records) AS records, sum(end - next) AS lag, "
            "sum(unreadable) AS unreadable, max(written) AS written FROM partitions GROUP BY topic ORDER BY topic"
        ),
        "deadLetterCounts": reader.rows(
            "SELECT reason, topic, count(*) AS n FROM deadLetters GROUP BY reason, topic ORDER BY n DESC LIMIT 100"
        ),
        "deadLetters": [_shown(orjson.loads(row["value"])) for row in letters],
        "clockSkew": list(newest.values()),
        "stored": {
            "traces": reader.value("SELECT ifnull(sum(stored), 0) FROM kinds"),
            "findings": reader.value("SELECT count(*) FROM findings"),
            "pathways": reader.value("SELECT count(*) FROM pathways"),
            "statistics": reader.value("SELECT count(*) FROM stats"),
        },
    }


def newest(reader: Reader, seen_ms: int) -> Row:
    """When the newest record that was read was written (ms), and how many open findings came after that time."""
    return {
        "writtenMs": reader.value("SELECT max(written) FROM partitions"),
        "new": reader.value("SELECT count(*) FROM findings WHERE seen > ? AND resolved = 0", (seen_ms,)),
    }


def _shown(letter: Row) -> Row:
    """A dead letter without its bytes, which may be half a megabyte."""
    return {name: letter[name] for name in ("reason", "detail", "topic", "partition", "offset", "timestamp")}
