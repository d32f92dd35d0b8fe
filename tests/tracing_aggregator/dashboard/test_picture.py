"""What the API says of a shop's traffic: topology, slow messages, incidents, lag, and what is found by what."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from tests.tracing_aggregator.dashboard import shop
from tests.tracing_aggregator.dashboard.stores import ANOMALIES, TRACES, Made
from tracing_aggregator.dashboard.api import application
from transforms.input.dates import date_of

Get = Any


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Made]:
    made = shop.shop(tmp_path, int(time.time() * 1000))
    yield made
    made.connection.close()


@pytest.fixture
def client(store: Made) -> TestClient:
    return TestClient(application(store.reader, None), base_url="http://127.0.0.1")


@pytest.fixture
def get(client: TestClient) -> Get:
    def get(path: str, **words: object) -> Any:
        answer = client.get(f"/api/v1/{path}", params=words)
        assert answer.status_code == 200, answer.text
        return answer.json()

    return get


def test_the_topology_joins_producers_topics_groups_and_the_topics_they_send_on_to(get):
    told = get("topology", minutes=60)
    assert {node["id"] for node in told["nodes"]} == {
        "producer:web-1", "producer:web-2", "producer:billing-out", "topic:orders", "topic:payments",
        "group:billing", "group:shipping", "group:accounting",
    }  # fmt: skip
    edges = {(edge["from"], edge["to"]): edge for edge in told["edges"]}
    assert edges["producer:web-1", "topic:orders"]["n"] == 30
    assert edges["topic:orders", "group:billing"]["under"] == 1
    assert edges["topic:orders", "group:shipping"]["over"] == 10
    assert edges["group:billing", "topic:payments"]["n"] == 28
    assert edges["topic:orders", "group:billing"]["perSecond"] == 59 / 3600


def test_a_lost_message_is_on_the_edge_of_its_producer(get):
    edges = {(edge["from"], edge["to"]): edge for edge in get("topology", minutes=60)["edges"]}
    assert edges["producer:web-2", "topic:orders"]["lost"] == 1
    assert edges["producer:web-1", "topic:orders"]["lost"] == 0


def sends_on(client: str, offsets: range, **known: Any) -> list[dict[str, Any]]:
    """SENDs into payments of what was read from orders a minute or more ago."""
    at = int(time.time() * 1000) - 30_000
    place = {"topic": "payments", "partition": 1, "clientId": client}
    return [
        {"id": f"{client}-{offset}", "type": "SEND", **place, "offset": offset, "date": date_of(at)}
        | {"correlationId": shop.name_of(offset), **known}
        for offset in offsets
    ]


def senders(get: Get, **words: str) -> set[str]:
    return {node["name"] for node in get("topology", minutes=60, **words)["nodes"] if node["kind"] == "producer"}


def test_a_client_that_only_sends_on_what_its_group_reads_is_no_producer_of_its_own(store, get):
    store.take(TRACES, [*sends_on("billing-1", range(10)), newest()])
    store.take(ANOMALIES, [{"id": "l", "reason": "lost", **sends_on("billing-1", range(1))[0], "offset": 99}])
    assert senders(get) == {"web-1", "web-2", "billing-out"}
    told = get("topology", minutes=60, clientId="billing-1")
    edges = {(edge["from"], edge["to"]): edge for edge in told["edges"]}
    assert edges.keys() == {("topic:orders", "group:billing"), ("group:billing", "topic:payments")}
    assert edges["group:billing", "topic:payments"]["lost"] == 1
    [group] = [node for node in told["nodes"] if node["kind"] == "group"]
    assert (group["open"], group["clients"]) == (2, [])


@pytest.mark.parametrize(
    "more",
    [
        pytest.param(sends_on("billing-1", range(20, 21), correlationId="its-own"), id="it sends of its own too"),
        pytest.param(sends_on("billing-1", range(20, 21), topic="audit"), id="statistics know no such edge"),
        pytest.param(
            [one | {"id": "r", "type": "CONSUME", "groupId": "other"} for one in sends_on("billing-1", range(1))],
            id="it is in two groups",
        ),
    ],
)
def test_a_client_that_does_anything_else_is_a_producer(store, get, more):
    store.take(TRACES, [*sends_on("billing-1", range(10)), *more, newest()])
    assert "billing-1" in senders(get)


def test_a_client_that_reads_what_it_has_sent_itself_is_a_producer(store, get):
    loop = {"topic": "orders", "partition": 3, "offset": 0, "correlationId": "loop", "clientId": "loop-1"}
    at = int(time.time() * 1000) - 30_000
    sent = {"id": "ls", "type": "SEND", "date": date_of(at), **loop}
    read = {"id": "lr", "type": "CONSUME", "date": date_of(at + 9), "groupId": "billing", **loop}
    back = {**sent, "id": "lp", "topic": "payments"}
    store.take(TRACES, [sent, read, back, newest()])
    assert "loop-1" in senders(get)


def newest() -> dict[str, Any]:
    """A trace of now: what is older has settled."""
    [one] = sends_on("web-1", range(30, 31), topic="orders", date=date_of(int(time.time() * 1000)))
    return one


def test_the_topology_of_a_topic_leaves_out_what_does_not_touch_it(get):
    told = get("topology", minutes=60, topic="payments")
    assert {node["name"] for node in told["nodes"]} == {"billing-out", "billing", "payments", "accounting"}


def test_clients_that_differ_by_a_number_become_one_node_on_request(get):
    nodes = {node["name"]: node for node in get("topology", minutes=60, grouped="true")["nodes"]}
    assert nodes["web-*"]["clients"] == ["web-1", "web-2"]


def test_the_slowest_come_first_and_what_was_read_again_is_not_among_them(get):
    traces = get("traces", sort="duration", type="CONSUME", size=3)["traces"]
    assert [(one["offset"], one["durationMs"]) for one in traces[:2]] == [(shop.SLOW, 9000)] * 2
    assert traces[2]["durationMs"] == 40


def test_a_band_of_durations_has_exactly_the_traces_of_its_square_of_the_heatmap(get):
    told = get("overview", minutes=60)
    assert sum(cell["n"] for cell in told["heatmap"]) == 118 + 26
    for cell in told["heatmap"]:
        since = told["times"][cell["step"]] * 1000
        low, high = -int(-cell["fromMs"] // 1), -int(-cell["untilMs"] // 1) - 1
        band = get(
            "traces", type="CONSUME", since=since, until=since + told["stepMs"], minMs=low, maxMs=high, size=500
        )  # fmt: skip
        assert len(band["traces"]) == cell["n"]


def test_a_minimum_duration_is_paged_from_newest_to_oldest(get):
    first = get("traces", type="CONSUME", groupId="billing", minMs=40, size=40)
    second = get("traces", type="CONSUME", groupId="billing", minMs=40, size=40, before=first["next"])
    offsets = [one["offset"] for one in first["traces"] + second["traces"]]
    assert sorted(offsets) == [offset for offset in range(shop.MESSAGES) if offset != shop.LOST]
    assert second["next"] is None


def test_a_rewind_is_one_incident_and_a_lost_message_another(get):
    told = get("incidents")
    assert [one["text"] for one in told["incidents"]] == [
        "shipping went back 10 offsets in orders: 10 messages read again",
        "1 message of orders lost: acknowledged, and not in the log; billing and shipping did not read it",
    ]
    assert told["states"] == {"open": 2, "acknowledged": 0, "resolved": 0}


def test_incidents_are_those_of_a_range_a_group_a_client_and_a_reason(get):
    assert get("incidents", until=1)["total"] == 0
    assert [one["reason"] for one in get("incidents", groupId="billing")["incidents"]] == ["lost"]
    assert [one["reason"] for one in get("incidents", clientId="shipping-1")["incidents"]] == ["rewound"]
    assert [one["reason"] for one in get("incidents", reason="lost")["incidents"]] == ["lost"]


def test_an_acknowledged_incident_is_not_open_until_it_grows(get, client, store):
    [rewind, _] = get("incidents")["incidents"]
    words = {"id": rewind["id"], "number": rewind["findings"]}
    assert client.put("/api/v1/acknowledged", params=words).status_code == 204
    assert [one["reason"] for one in get("incidents")["incidents"]] == ["lost"]
    [looked_at] = get("incidents", state="acknowledged")["incidents"]
    assert looked_at["acknowledged"]["number"] == 11
    more = {"topic": "orders", "partition": 0, "offset": 48, "groupId": "shipping", "cause": "rewind"}
    store.take(ANOMALIES, [{"id": "x", "reason": "over-consumed", "date": rewind["last"], **more}])
    assert [one["state"] for one in get("incidents")["incidents"]] == ["open", "open"]


def test_an_acknowledgement_is_taken_back(get, client):
    [rewind, _] = get("incidents")["incidents"]
    client.put("/api/v1/acknowledged", params={"id": rewind["id"], "number": rewind["findings"]})
    assert client.delete("/api/v1/acknowledged", params={"id": rewind["id"]}).status_code == 204
    assert get("incidents")["total"] == 2


def test_what_came_since_one_looked_is_counted(get):
    seen = max(one["seenMs"] for one in get("incidents")["incidents"])
    assert get("status", seen=0)["new"] == 14
    assert get("status", seen=seen)["new"] == 0


def test_a_message_names_the_incident_that_it_is_part_of(get):
    told = get("message", subject=f"orders/0/{shop.LOST}")
    assert [one["reason"] for one in told["incidents"]] == ["lost"]


def test_lag_is_told_in_messages_and_in_time(get):
    rows = {(one["topic"], one["groupId"]): one for one in get("lag")["lag"]}
    assert rows["orders", "billing"]["unread"] == 0
    assert rows["orders", "shipping"]["uncommitted"] == 4
    behind = rows["payments", "accounting"]
    assert (behind["unread"], behind["uncommitted"]) == (6, None)
    assert 60_000 < behind["ageMs"] < 300_000


def test_the_overview_of_a_group_has_its_own_numbers(get):
    told = get("overview", minutes=60, groupId="shipping", topic="orders")
    sums = {name: sum(filter(None, values)) for name, values in told["delivery"].items()}
    assert (sums["produced"], sums["expected"], sums["over"]) == (60, 60, 10)
    assert {one["name"] for one in told["byGroup"]} == {"shipping"}
    assert sum(cell["n"] for cell in told["heatmap"]) == 59


def test_the_overview_of_a_client_counts_its_traces(get):
    told = get("overview", minutes=60, clientId="web-1")
    assert {one["name"]: one["n"] for one in told["byType"]} == {"SEND": 30, "ACK": 30}


def test_what_is_neither_read_nor_missed_is_in_flight(get):
    flows = {one["topic"]: one for one in get("flows", minutes=60)["flows"]}
    assert [one["inFlight"] for one in flows["payments"]["groups"]] == [2]
    assert {one["groupId"]: one["inFlight"] for one in flows["orders"]["groups"]} == {"billing": 0, "shipping": 0}


def test_a_mean_never_counts_what_was_read_again(get):
    told = get("overview", minutes=60, groupId="shipping")
    [mean] = [mean for mean in told["meanDurationMs"]["CONSUME"] if mean is not None]
    assert mean == (58 * 40 + 9000) / 59
    assert mean == told["overall"]["consumeLatencyMs"]["avg"]


def test_a_range_is_compared_with_the_one_before(get):
    now = int(time.time() * 1000)
    told = get("overview", minutes=10, until=now + 10 * 60_000, compare="true")
    assert sum(filter(None, told["previous"]["delivery"]["produced"])) == 60 + 28


@pytest.mark.parametrize(
    ("text", "kind", "match"),
    [
        (shop.name_of(7)[:8], "message", shop.name_of(7)),
        ("orders/0/7", "message", "orders/0/7"),
        ("orders-0@7", "message", "orders/0/7"),
        ("orders/0", "message", "orders/0/59"),
        ("ord", "topic", "orders"),
        ("ship", "group", "shipping"),
        ("web-2", "client", "web-2"),
    ],
)
def test_people_find_by_what_they_have(get, text, kind, match):
    found = get("find", text=text)["matches"]
    assert (kind, match) in {(one["kind"], one["text"]) for one in found}


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("orders/0/5000", "orders/0 ends at 59, as far as traces tell."),
        ("orders/7/1", "No trace is of orders/7. Known are orders/0."),
        ("ordres/0/1", "No trace is of a topic ordres. Did you mean orders?"),
        ("shippin-g", "No correlationId, topic, group or client begins like that. Did you mean shipping?"),
    ],
)
def test_what_is_not_found_says_why(get, client, text, why):
    assert get("find", text=text) == {"matches": [], "why": why}
    answer = client.get("/api/v1/message", params={"subject": text})
    assert (answer.status_code, answer.json()["detail"]["why"]) == (404, why)


def test_an_address_that_is_no_page_is_a_page_and_one_that_is_no_answer_is_json(client):
    page = client.get("/nothing/here")
    assert (page.status_code, page.headers["content-type"].partition(";")[0]) == (404, "text/html")
    assert client.get("/api/v1/nothing").json() == {"detail": "Not Found"}


def test_a_job_that_was_seen_and_answers_no_more_is_gone(store):
    state: dict[str, Any] = {"error": "Connection refused"}
    app = application(store.reader, None, dict, lambda: state)
    client = TestClient(app, base_url="http://127.0.0.1")
    assert client.get("/api/v1/status").json()["job"]["isGone"] is False
    state.clear()
    state.update({"counters": {}, "isReady": True, "why": "every task runs"})
    assert client.get("/api/v1/status").json()["job"]["isGone"] is False
    state.clear()
    state["error"] = "Connection refused"
    assert client.get("/api/v1/status").json()["job"] == {"isGone": True, "why": "Connection refused"}


def test_pathways_are_those_of_a_topic_and_a_group(get):
    assert len(get("pathways", minutes=60, topic="payments", groupId="billing")["edges"]) == 1
    assert get("pathways", minutes=60, groupId="shipping")["edges"] == []
    assert get("pathways", minutes=60, topic="nowhere")["pathways"] == []


def test_where_there_are_many_nodes_clients_are_grouped_without_being_asked(store, get):
    sends = [
        {"id": f"many-{number}", "type": "SEND", "clientId": f"app-{number}", "topic": "orders", "partition": 1}
        | {"date": date_of(int(time.time() * 1000)), "offset": number}
        for number in range(60)
    ]
    store.take(TRACES, sends)
    told = get("topology", minutes=60)
    assert told["isGrouped"] is True
    assert {node["name"]: len(node["clients"]) for node in told["nodes"] if node["kind"] == "producer"} == {
        "app-*": 60, "web-*": 2, "billing-out": 1,
    }  # fmt: skip
