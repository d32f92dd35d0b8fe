"""For tests: the dashboard's API against the truth of the traffic; AssertionError where they differ."""

from collections import Counter

from tests.integration import traffic_truth as truth
from tests.integration.dashboards import Dashboard
from tests.integration.traffic_truth import Line

MINUTES = 60


def flows_agree(dashboard: Dashboard, lines: list[Line]) -> None:
    """The matrix of topics and groups, and the totals of the overview."""
    expected = truth.flows(lines)
    said = {}
    for flow in dashboard.get("flows", minutes=MINUTES)["flows"]:
        rows = {flow["topic"]: flow} | {f"{flow['topic']} {group['groupId']}": group for group in flow["groups"]}
        said |= {name: {field: row[field] for field in expected[name]} for name, row in rows.items()}
    assert said == expected
    totals: Counter[str] = Counter()
    for row in expected.values():
        totals += Counter(row)
    overview = dashboard.get("overview", minutes=MINUTES)
    delivery = overview["delivery"]
    assert {name: sum(filter(None, delivery[name])) for name in totals} == dict(totals)
    assert overview["overall"]["consumeLatencyMs"]["count"] == totals["actual"]
    assert overview["overall"]["ackLatencyMs"]["count"] == totals["acked"]


def findings_agree(dashboard: Dashboard, lines: list[Line]) -> None:
    """Open anomalies by reason, topic and group; by reason on the overview too."""
    expected = truth.findings(lines)
    counts = dashboard.get("anomalies")["counts"]
    said = {(one["reason"], one["topic"], one["groupId"]): one["n"] for one in counts if not one["resolved"]}
    assert said == expected
    by_reason: Counter[str] = Counter()
    for (reason, _, _), number in expected.items():
        by_reason[reason] += number
    assert {one["reason"]: one["n"] for one in dashboard.get("overview")["anomalies"]} == by_reason


def charts_agree(dashboard: Dashboard, lines: list[Line]) -> None:
    """Number of traces by type and by client, share by group, as the reference had them."""
    expected = truth.traces(lines)
    overview = dashboard.get("overview", minutes=MINUTES)
    shares = {name: {one["name"]: one["n"] for one in overview[name]} for name in ("byType", "byGroup", "byClient")}
    # Which commits settle what is read again is for the pipeline to say; of the others it is one for each delivery.
    unsure = {"byType": {"COMMIT"}, "byGroup": {"shipping"}}
    for name, field in (("byType", 0), ("byGroup", 1), ("byClient", 2)):
        counted: Counter[str] = Counter()
        for key, number in expected.items():
            counted[key[field]] += number
        clients = {client for client in counted if name == "byClient" and client.startswith("shipping")}
        left_out = unsure.get(name, set()) | clients | {""}
        assert {one: number for one, number in shares[name].items() if one not in left_out} == {
            one: number for one, number in counted.items() if one not in left_out
        }, name
        assert left_out - {""} <= shares[name].keys()
    by_type = shares["byType"]
    assert {kind: sum(values) for kind, values in overview["traces"].items()} == by_type
    assert sum(shares["byClient"].values()) == sum(by_type.values())
    assert sum(shares["byGroup"].values()) == by_type["CONSUME"] + by_type["COMMIT"]


def messages_agree(dashboard: Dashboard, lines: list[Line]) -> None:
    """Each message is found by its position, with the traces that the truth knows, and by its correlationId."""
    kinds = {"SEND", "ACK", "CONSUME"}
    for place, expected in truth.messages(lines).items():
        found = dashboard.get("traces", subject="/".join(map(str, place)), size=100)["traces"]
        assert expected == Counter(
            (one["type"], one.get("groupId", ""), one["correlationId"]) for one in found if one["type"] in kinds
        ), place
        [name] = {correlation for _, _, correlation in expected}
        places = {
            (one["topic"], one["partition"], one["offset"])
            for one in dashboard.get("traces", subject=name, size=100)["traces"]
        }
        assert place in places
