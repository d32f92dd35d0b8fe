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


def filters_agree(dashboard: Dashboard, lines: list[Line]) -> None:
    """The same numbers by topic, group and client: tiles, matrix, shares; and the parts of a range as its whole."""
    expected = truth.flows(lines)
    whole = dashboard.get("overview", minutes=MINUTES)
    for topic, groups in truth.GROUPS.items():
        for group in groups:
            words = {"minutes": MINUTES, "topic": topic, "groupId": group}
            of_group, of_topic = expected[f"{topic} {group}"], expected[topic]
            told = dashboard.get("overview", **words)
            sums = {name: sum(filter(None, told["delivery"][name])) for name in (*of_group, *of_topic)}
            assert sums == of_group | of_topic
            [flow] = dashboard.get("flows", **words)["flows"]
            [row] = flow["groups"]
            assert {name: row[name] for name in of_group} == of_group
            assert row["inFlight"] == of_group["expected"] - of_group["actual"] - of_group["under"]
            assert told["overall"]["consumeLatencyMs"]["count"] == sum(cell["n"] for cell in told["heatmap"])
    by_client: dict[str, Counter[str]] = {}
    for (kind, _, client), number in truth.traces(lines).items():
        by_client.setdefault(client, Counter())[kind] += number
    for client, kinds in by_client.items():
        told = dashboard.get("overview", minutes=MINUTES, clientId=client)
        shares = {one["name"]: one["n"] for one in told["byType"]}
        sure = kinds.keys() - ({"COMMIT"} if client.startswith("shipping") else set())
        assert {kind: shares[kind] for kind in sure} == {kind: kinds[kind] for kind in sure}, client
    step = MINUTES // 4
    until = whole["untilMs"]
    ends = range(until, until - MINUTES * 60_000, -step * 60_000)
    parts = [dashboard.get("overview", minutes=step, until=end) for end in ends]
    for name in ("produced", "expected", "actual", "over", "under", "committed"):
        sums = [sum(filter(None, one["delivery"][name])) for one in (*parts, whole)]
        assert sum(sums[:-1]) == sums[-1], name


def topology_agrees(dashboard: Dashboard, lines: list[Line]) -> None:
    """Nodes and edges."""
    told = dashboard.get("topology", minutes=MINUTES, grouped="false")
    edges = {(edge["from"], edge["to"]): edge for edge in told["edges"]}
    flows = truth.flows(lines)
    for topic, groups in truth.GROUPS.items():
        for group in groups:
            edge, of = edges[f"topic:{topic}", f"group:{group}"], flows[f"{topic} {group}"]
            assert (edge["n"], edge["over"], edge["under"]) == (of["actual"], of["over"], of["under"])
    sent: Counter[tuple[str, str]] = Counter()
    lost: Counter[tuple[str, str]] = Counter()
    readers = {line["clientId"] for line in truth.of(lines, "consumed")}
    for what in ("produced", "lost"):
        for line in truth.of(lines, what):
            ends = f"producer:{line['clientId']}", f"topic:{line['topic']}"
            if line["clientId"] in readers:  # it sends on what its group read, and nothing else
                assert ends not in edges
                continue
            sent[ends] += 1
            lost[ends] += what == "lost"
    assert {ends: edges[ends]["n"] for ends in sent} == sent
    assert {ends: edges[ends]["lost"] for ends in sent} == {ends: lost[ends] for ends in sent}


def incidents_agree(dashboard: Dashboard, lines: list[Line]) -> None:
    """Every finding is in exactly one incident; a lost message has its consequences, a rewind what was read again.

    Incidents keep what has been resolved: on a busy machine a trace may come after a deadline, so that something was
    found for a while.
    """
    expected: Counter[str] = Counter()
    for (reason, _, _), number in truth.findings(lines).items():
        expected[reason] += number
    found: Counter[str] = Counter()
    for one in dashboard.get("anomalies")["counts"]:
        found[one["reason"]] += one["n"]
    incidents = dashboard.get("incidents", state="all", size=500)["incidents"]
    told: Counter[str] = Counter()
    for one in incidents:
        told += Counter({one["reason"]: one["number"]}) + Counter(one["consequences"])
    assert told == found
    still = [one for one in incidents if one["state"] != "resolved"]
    open_ones = Counter(one["reason"] for one in still)
    assert (open_ones["unconsumed"], open_ones["lost"] > 0, open_ones["rewound"] > 0) == (0, True, True)
    consequences: dict[str, Counter[str]] = {}
    for one in still:
        consequences.setdefault(one["reason"], Counter()).update(one["consequences"])
    assert consequences["lost"]["unconsumed"] == expected["unconsumed"]
    assert consequences["rewound"]["over-consumed"] > 0
    assert len(still) < sum(expected.values()) / 10
    overview = dashboard.get("overview", minutes=MINUTES)
    assert {one["reason"]: one["n"] for one in overview["anomalies"]} == expected
    assert sum(filter(None, overview["delivery"]["over"])) == expected["over-consumed"]
