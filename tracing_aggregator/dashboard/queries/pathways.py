"""Ways of messages through several topics, and the traffic between two topics."""

import orjson

from tracing_aggregator.dashboard.filters import Wanted
from tracing_aggregator.dashboard.intake.sketches import merged
from tracing_aggregator.dashboard.span import Span
from tracing_aggregator.dashboard.store import Reader, Row

_LATENCIES = ("residenceMs", "fromOriginMs")


def pathways(reader: Reader, span: Span, wanted: Wanted, size: int) -> Row:
    """Edges with counts and latencies of the span, and the newest pathways of all that is stored.

    Of a topic those that begin, end or come by there; of a group the edges that it makes.
    """
    newest = reader.rows(
        "SELECT route, value FROM pathways WHERE instr(route, ?1) ORDER BY date DESC LIMIT ?2",
        (wanted.topic or "", size),
    )
    return {
        "edges": [
            edge
            for edge in edges(reader, span)
            if wanted.topic in {None, edge["fromTopic"], edge["toTopic"]} and wanted.group in {None, edge["groupId"]}
        ],
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
