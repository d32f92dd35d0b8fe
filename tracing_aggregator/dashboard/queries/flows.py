"""Topics and their groups: what was expected and what arrived."""

from typing import Any

import orjson

from tracing_aggregator.dashboard.filters import TraceFilter, where
from tracing_aggregator.dashboard.intake.sketches import merged
from tracing_aggregator.dashboard.span import TimeSpan
from tracing_aggregator.dashboard.store import Reader, Row
from transforms.stats.in_flight import in_flight

_TOPIC = ("produced", "sent", "acked", "unknownProduceTime")
_GROUP = ("expected", "actual", "over", "under", "committed", "slaBreaches")
_COVERAGE = ("traced", "offsets")


def flows(reader: Reader, span: TimeSpan, wanted: TraceFilter | None = None) -> list[Row]:
    """One row for each topic, with the rows of its groups in `groups`; by name. Of a group only what it reads."""
    given = (wanted or TraceFilter())._replace(client=None).given()
    group = given.pop("groupId", None)
    since, until = span.nanos
    topics: dict[str, Row] = {}
    groups: dict[tuple[str, str], Row] = {}
    rows = reader.rows(
        "SELECT kind, topic, groupId, value FROM stats "  # noqa: S608  texts of ours
        "WHERE kind IN ('topic', 'group') AND date >= :since "
        f"AND date < :until{where(given)}",
        {**given, "since": since, "until": until},
    )
    for row in rows:
        value, topic = orjson.loads(row["value"]), row["topic"]
        if row["kind"] == "topic":
            flow = topics.setdefault(topic, _empty({"topic": topic}, _TOPIC + _COVERAGE))
            _add(flow, value | value.get("coverage", {}), _TOPIC + _COVERAGE, "ackLatencyMs")
        elif group in {None, row["groupId"]}:
            new = _empty({"groupId": row["groupId"], "commitsSeen": False}, _GROUP)
            flow = groups.setdefault((topic, row["groupId"]), new)
            flow["commitsSeen"] |= value.get("commits") != "none seen"
            _add(flow, value, _GROUP, "consumeLatencyMs", "commitLatencyMs")
    for topic, _ in groups:
        topics.setdefault(topic, _empty({"topic": topic}, _TOPIC + _COVERAGE))
    for topic, flow in topics.items():
        flow["coverage"] = flow["traced"] / flow["offsets"] if flow["offsets"] else None
        flow["groups"] = [_finished(of) for (name, _), of in sorted(groups.items()) if name == topic]
    shown = sorted(topic for topic in topics if group is None or (topic, group) in groups)
    return [_finished(topics[topic]) for topic in shown]


def _empty(words: Row, names: tuple[str, ...]) -> Row:
    return words | dict.fromkeys(names, 0) | {"verdicts": {}, "sketches": {}}


def _add(flow: Row, value: dict[str, Any], names: tuple[str, ...], *latencies: str) -> None:
    for name in names:
        flow[name] += value.get(name, 0)
    for reason, count in value.get("verdicts", {}).items():
        flow["verdicts"][reason] = flow["verdicts"].get(reason, 0) + count
    for name in latencies:
        if name in value:
            flow["sketches"].setdefault(name, []).append(value[name])


def _finished(flow: Row) -> Row:
    if "expected" in flow:
        flow["inFlight"] = in_flight(flow["expected"], flow["actual"], flow["under"])
    return flow | {name: merged(sketches) for name, sketches in flow.pop("sketches").items()}
