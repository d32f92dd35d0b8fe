"""Ways of messages through several topics, and the traffic between two topics."""

import orjson

from dashboard.intake.sketches import merged
from dashboard.queries.span import Span
from dashboard.store import Reader, Row

_LATENCIES = ("residenceMs", "fromOriginMs")


def pathways(reader: Reader, span: Span, size: int) -> Row:
    """Edges with counts and latencies of the span, and the newest pathways of all that is stored."""
    newest = reader.rows("SELECT route, value FROM pathways ORDER BY date DESC LIMIT ?", (size,))
    return {
        "edges": edges(reader, span),
        "pathways": [{"route": row["route"], **orjson.loads(row["value"])} for row in newest],
    }


def edges(reader: Reader, span: Span) -> list[Row]:
    """What groups sent on from topic to topic in the span: counts and latencies."""
    found: dict[tuple[str, str, str], Row] = {}
    sketches: dict[tuple[str, str, str], dict[str, list[list[object]]]] = {}
    rows = reader.rows(
        "SELECT topic, groupId, toTopic, value FROM stats WHERE kind = 'edge' AND date >= ? AND date < ?", span.nanos
    )
    for row in rows:
        value = orjson.loads(row.pop("value"))
        key = row["topic"], row["groupId"], row["toTopic"]
        edge = found.setdefault(key, {"fromTopic": key[0], "groupId": key[1], "toTopic": key[2], "count": 0})
        edge["count"] += value["count"]
        for name in _LATENCIES:
            if name in value:
                sketches.setdefault(key, {}).setdefault(name, []).append(value[name])
    for key, by_name in sketches.items():
        found[key] |= {name: merged(several) for name, several in by_name.items()}
    return [found[key] for key in sorted(found)]
