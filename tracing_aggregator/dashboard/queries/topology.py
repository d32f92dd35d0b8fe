"""The topology: producers, topics and groups as nodes, and what flows between them as edges."""

import re
from collections import defaultdict
from typing import Any

from tracing_aggregator.dashboard.filters import Wanted
from tracing_aggregator.dashboard.intake.ingest import bucket_ms
from tracing_aggregator.dashboard.queries.flows import flows
from tracing_aggregator.dashboard.queries.forwarders import forwarders
from tracing_aggregator.dashboard.queries.pathways import edges
from tracing_aggregator.dashboard.span import MINUTE_MS, Span
from tracing_aggregator.dashboard.store import Reader, Row

#: With more nodes than this, clients whose names differ by a number alone are one node.
MANY = 30
_NUMBERED = re.compile(r"[-_.]?(\d+|[0-9a-f]{8,})([-_.](\d+|[0-9a-f]{8,}))*$")
_P95 = 0.95

#: A node: kind and name.
Node = tuple[str, str]


def topology(reader: Reader, span: Span, wanted: Wanted, *, grouped: bool | None) -> Row:
    """Nodes and edges of the span. An edge has `n` messages, `perSecond`, `p95Ms`, `under`, `over` and `lost`.

    `grouped` None groups clients where there are many nodes. A client that only sends on what its group reads is no
    producer: what it sends is the group's.
    """
    sends = _sends(reader, span)
    rows = flows(reader, span)
    sent_on = {(edge["groupId"], edge["toTopic"]): edge for edge in edges(reader, span)}
    lost = _open(reader, span)
    members: dict[Node, set[str]] = defaultdict(set)
    for client, group in forwarders(reader, span).items():
        own = {ends for ends in sends if ends[0] == client}
        if all((group, topic) in sent_on for _, topic in own):
            members["group", group].add(client)
            sends = {ends: sent for ends, sent in sends.items() if ends not in own}
    is_grouped = grouped if grouped is not None else len(sends) + 2 * len(rows) > MANY
    found: dict[tuple[Node, Node], Row] = {}
    for (client, topic), sent in sends.items():
        name = _NUMBERED.sub("", client) + "-*" if is_grouped and _NUMBERED.search(client) else client
        members["producer", name].add(client)
        edge = found.setdefault((("producer", name), ("topic", topic)), _edge())
        edge["n"] += sent["n"]
        edge["lost"] += lost["lost", topic, client]
        for number, count in sent["buckets"].items():
            edge["buckets"][number] += count
    for flow in rows:
        for group in flow["groups"]:
            found[("topic", flow["topic"]), ("group", group["groupId"])] = {
                **_edge(), "n": group["actual"], "under": group["under"], "over": group["over"],
                "p95Ms": (group.get("consumeLatencyMs") or {}).get("p95"),
            }  # fmt: skip
    for (group, topic), edge in sent_on.items():
        found[("group", group), ("topic", topic)] = {
            **_edge(), "n": edge["count"], "p95Ms": (edge.get("residenceMs") or {}).get("p95"),
            "lost": sum(lost["lost", topic, client] for client in members["group", group]),
        }  # fmt: skip
    found = {ends: edge for ends, edge in found.items() if _touches(ends, wanted, members)}
    seconds = (span.end - span.start) * MINUTE_MS / 1000
    alone = {("topic", flow["topic"]) for flow in rows if not wanted.given()}
    nodes = sorted({node for ends in found for node in ends} | alone)
    return {
        "nodes": [_node(node, members, lost) for node in nodes],
        "edges": [
            {"from": ":".join(start), "to": ":".join(end), **_finished(edge, seconds)}
            for (start, end), edge in sorted(found.items())
        ],
        "isGrouped": is_grouped,
    }


def _edge() -> Row:
    return {"n": 0, "under": 0, "over": 0, "lost": 0, "p95Ms": None, "buckets": defaultdict(int)}


def _finished(edge: Row, seconds: float) -> Row:
    buckets = edge.pop("buckets")
    if buckets:
        edge["p95Ms"] = _quantile(buckets, _P95)
    return edge | {"perSecond": edge["n"] / seconds}


def _quantile(buckets: dict[int, int], share: float) -> float:
    """Where the bucket ends in which that share of all is reached: too high by 19 % at most."""
    left = share * sum(buckets.values())
    for number in sorted(buckets):
        left -= buckets[number]
        if left <= 0:
            return bucket_ms(number + 1)
    raise AssertionError(buckets)


def _sends(reader: Reader, span: Span) -> dict[tuple[str, str], Row]:
    """By client and topic the number of SENDs, and the buckets of its acknowledgements' latency."""
    sends: dict[tuple[str, str], Row] = defaultdict(lambda: {"n": 0, "buckets": defaultdict(int)})
    within = "minute >= :start AND minute < :end"
    for row in reader.rows(
        f"SELECT topic, clientId, sum(n) AS n FROM counts JOIN kinds USING (kind) WHERE type = 'SEND' AND {within} "  # noqa: S608
        "GROUP BY topic, clientId",
        span._asdict(),
    ):
        sends[row["clientId"], row["topic"]]["n"] = row["n"]
    for row in reader.rows(
        f"SELECT topic, clientId, bucket, sum(n) AS n FROM kinds CROSS JOIN kindDurations USING (kind) "  # noqa: S608
        f"WHERE type = 'ACK' AND {within} GROUP BY topic, clientId, bucket",
        span._asdict(),
    ):
        sends[row["clientId"], row["topic"]]["buckets"][row["bucket"]] = row["n"]
    return sends


def _open(reader: Reader, span: Span) -> dict[tuple[str, str, str], int]:
    """Open findings: by reason, topic and client; under the reason '' by kind of node and name."""
    since, until = span.nanos
    numbers: dict[tuple[str, str, str], int] = defaultdict(int)
    for row in reader.rows(
        "SELECT reason, topic, groupId, json_extract(value, '$.clientId') AS client, sum(n) AS n FROM findings "
        "WHERE resolved = 0 AND date >= ? AND date < ? GROUP BY 1, 2, 3, 4",
        (since, until),
    ):
        numbers[row["reason"], row["topic"], row["client"] or ""] += row["n"]
        about = ("group", row["groupId"]) if row["groupId"] else ("topic", row["topic"])
        numbers["", *about] += row["n"]
        if not row["groupId"] and row["client"]:
            numbers["", "producer", row["client"]] += row["n"]
    return numbers


def _node(node: Node, members: dict[Node, set[str]], found: dict[tuple[str, str, str], int]) -> Row:
    kind, name = node
    clients = sorted(members.get(node, ()))
    count = sum(found["", "producer", one] for one in clients)
    if kind == "producer":
        return {"id": ":".join(node), "kind": kind, "name": name, "open": count, "clients": clients}
    return {"id": ":".join(node), "kind": kind, "name": name, "open": count + found["", kind, name], "clients": []}


def _touches(ends: tuple[Node, Node], wanted: Wanted, members: dict[Node, set[str]]) -> bool:
    """Whether an edge has each of the nodes that are wanted, of the kinds that it joins."""
    asked: dict[str, Any] = {"topic": wanted.topic, "group": wanted.group}
    if wanted.client and not any(wanted.client in members.get(end, ()) for end in ends):
        return False
    kinds = {kind for kind, _ in ends}
    return all(name is None or kind not in kinds or (kind, name) in ends for kind, name in asked.items())
