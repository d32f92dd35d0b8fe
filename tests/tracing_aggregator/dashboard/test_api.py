"""The API over a small store: who gets in, and what is answered."""

import http.client

import pytest
from fastapi.testclient import TestClient

from tests.serving import running
from tests.tracing_aggregator.dashboard.stores import (
    ANOMALIES,
    PATHWAYS,
    STATS,
    TRACES,
    Made,
    group_minute,
    latencies,
    topic_minute,
)
from tests.tracing_aggregator.explain.cases import acked, at, committed, consumed, found, sent
from tracing_aggregator.dashboard.api import PAGES, application
from tracing_aggregator.dashboard.span import span
from tracing_aggregator.web.tokens import Tokens

MINUTE = "2026-01-02T23:30:00.000Z"
EVIL = '<img src=x onerror="alert(1)"><script>alert(2)</script>'


@pytest.fixture
def client(made: Made) -> TestClient:
    return TestClient(application(made.reader, None), base_url="http://localhost")


def until() -> int:
    """The end of the minute of `at(0)`, in ms."""
    from transforms.input.dates import nanos_of

    return (nanos_of(at(0)) // 60_000_000_000 + 1) * 60_000


def get(client: TestClient, path: str, **words: object) -> dict:
    answer = client.get(f"/api/v1/{path}", params=words)
    assert answer.status_code == 200, answer.text
    return answer.json()


# Getting in ---------------------------------------------------------------------------------------------------------


def test_without_a_token_only_names_of_this_machine_are_answered(made):
    app = application(made.reader, None)
    assert TestClient(app, base_url="http://127.0.0.1:8090").get("/api/v1/health").status_code == 200
    assert TestClient(app, base_url="http://evil.example").get("/api/v1/health").status_code == 421


@pytest.mark.parametrize("path", ["/", "/api/v1/health", "/api/live", "/static/app.js", "/openapi.json", "/nothing"])
def test_with_a_token_nothing_is_answered_without_it(made, path):
    client = TestClient(application(made.reader, Tokens("open-sesame")))
    assert client.get(path).status_code == 401
    assert client.get(path, headers={"Authorization": "Bearer wrong"}).status_code == 401
    assert client.get(path, params={"token": "wrong"}).status_code == 401
    assert client.get(path, headers={"Cookie": "tracing_aggregator_token=wrong"}).status_code == 401


def test_a_bearer_gets_in(made):
    client = TestClient(application(made.reader, Tokens("open-sesame")))
    assert client.get("/api/v1/health", headers={"Authorization": "Bearer open-sesame"}).status_code == 200


def test_a_token_in_the_address_becomes_a_cookie_and_leaves_the_address(made):
    client = TestClient(application(made.reader, Tokens("open-sesame")))
    answer = client.get("/flows?token=open-sesame&minutes=60", follow_redirects=False)
    assert (answer.status_code, answer.headers["location"]) == (303, "/flows?minutes=60")
    assert "HttpOnly" in answer.headers["set-cookie"]
    assert "samesite=strict" in answer.headers["set-cookie"].lower()
    assert client.get("/api/v1/health").status_code == 200


def test_a_redirect_never_leads_to_another_host(made):
    with running(application(made.reader, Tokens("open-sesame"))) as port:
        client = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
        client.request("GET", "//evil.example/?token=open-sesame")
        assert client.getresponse().getheader("location") == "/evil.example/"


def test_a_guess_that_is_not_ascii_is_a_wrong_one(made):
    assert (
        TestClient(application(made.reader, Tokens("open-sesame"))).get("/", params={"token": "ö"}).status_code == 401
    )


@pytest.mark.parametrize("path", [*PAGES, "/api/v1/overview", "/static/app.js", "/nothing"])
def test_every_answer_forbids_what_is_not_from_here(client, path):
    headers = client.get(path).headers
    assert headers["content-security-policy"].startswith("default-src 'self'; ")
    assert "unsafe" not in headers["content-security-policy"]
    assert headers["x-content-type-options"] == "nosniff"


# Pages and injection ------------------------------------------------------------------------------------------------


def test_pages_load_nothing_from_elsewhere_and_have_no_inline_code(client):
    page = client.get("/").text
    assert "http" not in page
    assert " on" not in page.split("<body>")[1].replace(" only", "")
    assert "style=" not in page
    assert "<script>" not in page


def test_markup_in_a_trace_comes_as_json_and_never_as_html(made, client):
    made.take(TRACES, [sent(clientId=EVIL, topic=EVIL, correlationId=EVIL)])
    made.take(ANOMALIES, [found("unacked", date=MINUTE, topic=EVIL, clientId=EVIL)])
    for path in ("overview", "traces", "words", "anomalies", "health", "flows", "pathways"):
        answer = client.get(f"/api/v1/{path}")
        assert answer.headers["content-type"] == "application/json"
    answer = client.get("/api/v1/message", params={"subject": EVIL})
    assert answer.json()["messages"][0]["topic"] == EVIL
    page = client.get("/message", params={"subject": EVIL})
    assert "onerror" not in page.text


def test_no_script_parses_markup():
    from tracing_aggregator.dashboard.api import STATIC

    for script in STATIC.rglob("*.js"):
        if "vendor" not in script.parts:
            text = script.read_text()
            for way in (
                "innerHTML",
                "outerHTML",
                "insertAdjacentHTML",
                "document.write",
                "eval(",
                "DOMParser",
                "javascript:",
            ):
                assert way not in text, script


@pytest.mark.parametrize("word", ["'", "' OR 1=1 --", '"; DROP TABLE traces; --', "%", "\x00", EVIL])
def test_no_word_to_filter_by_is_taken_for_sql(made, client, word):
    made.take(TRACES, [sent()])
    for name in ("topic", "groupId", "clientId", "subject"):
        assert get(client, "traces", **{name: word})["traces"] == []
    for name in ("topic", "groupId", "reason"):
        assert get(client, "anomalies", **{name: word})["findings"] == []
    assert len(get(client, "traces")["traces"]) == 1


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("traces", {"size": 0}), ("traces", {"size": 501}), ("traces", {"type": "OTHER"}), ("traces", {"before": "x"}),
        ("traces", {"subject": "a/99999999999999999999/1"}), ("traces", {"before": "9999999999999999999.1"}),
        ("overview", {"minutes": 0}), ("overview", {"minutes": 10**9}), ("overview", {"until": -1}), ("message", {}),
        ("anomalies", {"state": "other"}), ("traces", {"topic": "x" * 1001}),
    ],
)  # fmt: skip
def test_a_question_out_of_bounds_is_refused(client, path, words):
    assert client.get(f"/api/v1/{path}", params=words).status_code == 422


# Answers ------------------------------------------------------------------------------------------------------------


def test_an_empty_store_has_answers_too(client):
    assert get(client, "overview")["stored"] == 0
    assert get(client, "flows")["flows"] == []
    assert get(client, "traces") == {"traces": [], "next": None}
    assert get(client, "pathways")["edges"] == []
    assert get(client, "health")["topics"] == []
    assert client.get("/api/v1/message", params={"subject": "c"}).status_code == 404


def test_a_message_is_told_as_explain_tells_it(made, client):
    made.take(TRACES, [committed(), consumed(), acked(), sent()])
    made.take(ANOMALIES, [found("uncommitted", groupId="audit", date=MINUTE)])
    by_place = get(client, "message", subject="orders/0/42")
    by_name = get(client, "message", subject="c")
    assert [step["type"] for step in by_name["messages"][0]["steps"]] == ["SEND", "ACK", "CONSUME", "COMMIT"]
    assert by_place["messages"] == by_name["messages"]
    assert [finding["reason"] for finding in by_name["findings"]] == ["uncommitted"]


def test_a_message_is_followed_from_its_position_into_other_topics(made, client):
    made.take(TRACES, [sent(), acked(), consumed(), sent(5000, id="s2", topic="bills", offset=7)])
    shown = get(client, "message", subject="orders/0/42")
    assert shown["topics"] == ["orders", "bills"]


def test_a_name_that_thousands_of_messages_bear_is_refused_with_what_to_ask_instead(made, client):
    made.take(TRACES, [sent(id=f"s{number}", offset=number) for number in range(5001)])
    answer = client.get("/api/v1/message", params={"subject": "c"})
    assert answer.status_code == 422
    assert "TOPIC/PARTITION/OFFSET" in answer.json()["todo"]
    assert get(client, "message", subject="orders/0/42")["messages"][0]["offset"] == 42


def test_traces_are_found_by_every_word_alone_and_together(made, client):
    made.take(
        TRACES,
        [
            sent(),
            acked(),
            consumed(),
            consumed(group="audit", id="audit"),
            committed(),
            sent(-9, id="o", topic="bills"),
        ],
    )

    def kinds(**words: object) -> list[str]:
        return [one["type"] for one in get(client, "traces", **words)["traces"]]

    assert kinds() == ["COMMIT", "CONSUME", "CONSUME", "ACK", "SEND", "SEND"]
    assert kinds(groupId="billing") == ["COMMIT", "CONSUME"]
    assert kinds(clientId="p1", topic="orders") == ["ACK", "SEND"]
    assert kinds(subject="orders/0/42", type="CONSUME") == ["CONSUME", "CONSUME"]
    assert kinds(subject="c", topic="bills") == ["SEND"]
    assert kinds(subject="other") == []
    assert kinds(since=until()) == []
    assert len(kinds(until=until())) == 6


@pytest.mark.parametrize("words", [{}, {"groupId": "billing"}, {"subject": "c"}])
def test_pages_of_a_list_have_every_trace_once_even_where_dates_are_equal(made, client, words):
    made.take(TRACES, [consumed(5, id=f"r{number}") for number in range(7)])
    seen, before = [], None
    for _ in range(10):
        page = get(client, "traces", size=3, **words, **({"before": before} if before else {}))
        seen += [one["id"] for one in page["traces"]]
        before = page["next"]
        if not before:
            break
    assert sorted(seen) == [f"r{number}" for number in range(7)]


def test_the_overview_adds_up_what_groups_did_and_counts_traces(made, client):
    made.take(TRACES, [sent(), acked(), consumed(), committed()])
    made.take(STATS, [
        topic_minute(at(0)[:17] + "00.000Z", produced=3, sent=3),
        group_minute(at(0)[:17] + "00.000Z", expected=3, actual=2, under=1, consumeLatencyMs=latencies(10, 30)),
        group_minute(at(0)[:17] + "00.000Z", "audit", expected=3, actual=3, over=2, consumeLatencyMs=latencies(20)),
    ])  # fmt: skip
    shown = get(client, "overview", until=until(), minutes=5)
    assert len(shown["times"]) == 5
    assert [shown["delivery"][name][-1] for name in ("produced", "expected", "actual", "over", "under")] == [
        3,
        6,
        5,
        2,
        1,
    ]
    assert shown["delivery"]["expected"][0] is None
    assert shown["latencies"]["consumeLatencyMs"][-1]["count"] == 3
    assert shown["overall"]["consumeLatencyMs"]["p50"] == 20
    assert {one["name"]: one["n"] for one in shown["byType"]} == dict.fromkeys(("SEND", "ACK", "CONSUME", "COMMIT"), 1)
    assert shown["byGroup"] == [{"name": "billing", "n": 2}]
    assert sum(cell["n"] for cell in shown["heatmap"]) == 0


def test_flows_show_topics_with_their_groups_and_say_where_no_commits_were_seen(made, client):
    start = at(0)[:17] + "00.000Z"
    made.take(STATS, [
        topic_minute(start, produced=4, coverage={"traced": 4, "offsets": 8, "ratio": 0.5}, ackLatencyMs=latencies(3)),
        group_minute(start, expected=4, actual=3, under=1, verdicts={"unconsumed": 1}),
        group_minute(start, "audit", expected=4, actual=4, commits="none seen"),
    ])  # fmt: skip
    [flow] = get(client, "flows", until=until())["flows"]
    assert (flow["produced"], flow["coverage"], flow["ackLatencyMs"]["p99"]) == (4, 0.5, 3)
    audit, billing = flow["groups"]
    assert (audit["groupId"], audit["commitsSeen"], billing["commitsSeen"]) == ("audit", False, True)
    assert (billing["under"], billing["verdicts"]) == (1, {"unconsumed": 1})


def test_anomalies_are_filtered_and_counted_by_kind(made, client):
    made.take(ANOMALIES, [
        found("unacked", date=MINUTE),
        found("late", date=MINUTE, resolved=True),
        found("lost", id="sum", date=MINUTE, summary=True, count=40, found=50, windowStart=MINUTE),
    ])  # fmt: skip
    shown = get(client, "anomalies")
    assert {one["reason"] for one in shown["findings"]} == {"unacked", "lost"}
    assert {one["reason"]: one["n"] for one in shown["counts"]} == {"unacked": 1, "late": 1, "lost": 40}
    assert [one["reason"] for one in get(client, "anomalies", state="resolved")["findings"]] == ["late"]
    assert len(get(client, "anomalies", state="all", topic="orders")["findings"]) == 3
    assert get(client, "anomalies", state="all", reason="late", groupId="none")["findings"] == []


def test_pathways_show_edges_and_routes(made, client):
    start = at(0)[:17] + "00.000Z"
    edge = {"kind": "edge", "fromTopic": "orders", "groupId": "billing", "toTopic": "bills", "windowStart": start}
    made.take(STATS, [edge | {"count": 5, "residenceMs": latencies(7)}])
    hop = {"toTopic": "bills", "sentBy": "c", "sentAt": at(0)}
    made.take(PATHWAYS, [{"correlationId": "c", "origin": {"topic": "orders"}, "hops": [hop], "complete": True}])
    shown = get(client, "pathways", until=until())
    assert (shown["edges"][0]["count"], shown["edges"][0]["residenceMs"]["p50"]) == (5, 7)
    assert shown["pathways"][0]["route"] == "orders → bills"


def test_health_tells_lag_and_what_could_not_be_read(made, client):
    made.take(TRACES, [sent(), b"no json"])
    made.ingest.take((), {(TRACES, 0): 12})
    [topic] = get(client, "health")["topics"]
    assert (topic["records"], topic["unreadable"], topic["lag"]) == (2, 1, 10)


def test_health_tells_the_tightest_bounds_that_the_clocks_of_an_hour_allow_together(made, client):
    def skew(one: str, other: str, lower: int | None, upper: int | None, hour: str = "02") -> dict[str, object]:
        start = f"2026-01-01T{hour}:00:00.000Z"
        return {"kind": "clockSkew", "clients": [one, other], "windowStart": start, "lowerMs": lower, "upperMs": upper}

    made.take(
        STATS, [skew("a", "b", -2, 5), skew("b", "c", -1, 3), skew("a", "c", -90, None), skew("b", "c", 0, 0, "01")]
    )
    shown = {tuple(one["clients"]): one for one in get(client, "health")["clockSkew"]}
    assert len(shown) == 3
    assert shown["a", "c"] == skew("a", "c", -3, 8) | {"correctionMs": 2.5}


def test_without_an_end_the_span_ends_now_or_with_what_is_stored(made):
    made.take(TRACES, [sent()])
    minute = until() // 60_000
    assert span(made.reader, 15, None, until() + 5 * 60_000).end == minute + 6
    assert span(made.reader, 15, None, until() + 10**9).end == minute
    assert len(span(made.reader, 1440, None, until()).starts()) <= 240


def test_a_message_is_found_by_how_its_correlation_id_begins(made, client):
    names = ("0123456789", "0123-other")
    made.take(TRACES, [sent(number, id=name, offset=number, correlationId=name) for number, name in enumerate(names)])
    shown = client.get("/api/v1/message", params={"subject": "012345"}).json()
    assert (shown["correlationIds"], [one["offset"] for one in shown["messages"]]) == ([names[0]], [0])
    several = client.get("/api/v1/message", params={"subject": "0123"})
    assert (several.status_code, several.json()["detail"]) == (422, "2 correlationIds begin with 0123:")


def test_the_incident_of_a_message_is_told_with_what_it_did_to_others(made, client):
    again = [
        found(
            "over-consumed", id=name, groupId="shipping", offset=offset, cause="rewind", correlationId=name, date=at(1)
        )
        for offset, name in ((41, "other"), (42, "c"))
    ]
    back = found("rewound", id="back", groupId="shipping", offset=40, fromOffset=43, correlationId=None, date=at(60))
    made.take(TRACES, [sent()]).take(ANOMALIES, [*again, back])
    [incident] = client.get("/api/v1/message", params={"subject": "c"}).json()["incidents"]
    assert incident["text"] == "shipping went back 3 offsets in orders: 2 messages read again"
