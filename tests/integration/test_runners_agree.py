"""Real clients with real interceptors: what comes out agrees with what they say, and is the same on every runner."""

from collections import Counter
from collections.abc import Iterator

import pytest
from confluent_kafka.admin import AdminClient, NewTopic

from runners.kafka.broker import Broker
from tests.integration.aggregations import OnFlink, Outcome, directly, replayed, settings, tracing_aggregator
from tests.integration.recorded_traffic import MESSAGES, ORDERS, SILENT, UNREAD, Recorded, dump, record

pytestmark = pytest.mark.integration
TRACING = "_tracing"  # the interceptors know no other name


@pytest.fixture(scope="module")
def recorded(shared_broker: Broker, tmp_path_factory: pytest.TempPathFactory) -> Recorded:
    servers = shared_broker.bootstrap_servers
    folder = tmp_path_factory.mktemp("recorded")
    tracing_aggregator("topics", given=settings(servers, "recorded", folder))
    topics = [NewTopic(ORDERS, 3, 1), NewTopic(UNREAD, 2, 1), NewTopic(SILENT, 1, 1)]
    admin = AdminClient({"bootstrap.servers": servers})
    for created in admin.create_topics(topics).values():
        created.result(30)
    return record(servers, folder)


@pytest.fixture(scope="module")
def direct(recorded: Recorded, tmp_path_factory: pytest.TempPathFactory) -> Outcome:
    return directly(settings(recorded.servers, "direct", tmp_path_factory.mktemp("direct")))


@pytest.fixture(scope="module")
def direct_with_headers(recorded: Recorded, tmp_path_factory: pytest.TempPathFactory) -> Outcome:
    folder = tmp_path_factory.mktemp("headers")
    return directly(settings(recorded.servers, "headers", folder, trace_topics=UNREAD))


@pytest.fixture(scope="module")
def flink(recorded: Recorded, direct_with_headers: Outcome, tmp_path_factory) -> Iterator[tuple[OnFlink, Outcome]]:
    """Embedded Flink and its outputs, once it has all that the direct runner has and what only time tells."""
    folder = tmp_path_factory.mktemp("flink")
    with OnFlink(settings(recorded.servers, "flink", folder, trace_topics=UNREAD), folder / "run.log") as run:
        yield (
            run,
            run.wait_until(
                lambda found: found.traces.keys() >= direct_with_headers.traces.keys() and len(unlinked(found)) >= 40
            ),
        )
        run.end()


def places(values) -> Counter:
    return Counter((value["topic"], value["partition"], value["offset"]) for value in values if "partition" in value)


def at(topic: str, values) -> list:
    return [value for value in values if value["topic"] == topic]


def unlinked(found: Outcome) -> list:
    return [finding for finding in found.findings.values() if finding["reason"] == "unlinked"]


def timeless(found: Outcome) -> dict:
    """Findings that no deadline has to pass for."""
    return {name: finding for name, finding in found.findings.items() if "deadline" not in finding}


def assert_same(left: dict, right: dict) -> None:
    """Id by id, so that a failure names few records."""
    assert sorted(left.keys() - right.keys())[:5] == []
    assert sorted(right.keys() - left.keys())[:5] == []
    different = [(left[name], right[name]) for name in left if left[name] != right[name]]
    assert different[:3] == []


def test_every_acknowledged_message_has_its_send_ack_and_the_consume_of_each_group(recorded, direct):
    orders = recorded.positions(ORDERS)
    assert len(orders) == 2 * MESSAGES
    assert places(at(ORDERS, direct.of("SEND"))) == dict.fromkeys(orders, 1)
    assert places(at(ORDERS, direct.of("ACK"))) == dict.fromkeys(orders, 1)
    by_group = {
        group: [value for value in direct.of("CONSUME") if value["groupId"] == group] for group in ("audit", "billing")
    }
    assert places(by_group["audit"]) == Counter(map(tuple, recorded.audit_consumed))
    assert places(by_group["billing"]).keys() == orders
    crashed = [value for value in by_group["billing"] if value["clientId"] == "billing-2"]
    assert places(crashed) == Counter(map(tuple, recorded.billing_consumed))


def test_every_ack_and_consume_has_the_correlation_id_of_its_send_and_the_time_since_it(direct):
    sends = {value["correlationId"]: value for value in at(ORDERS, direct.of("SEND"))}
    later = [*at(ORDERS, direct.of("ACK")), *at(ORDERS, direct.of("CONSUME"))]
    assert {value["correlationId"] for value in later} == sends.keys()
    for value in later:
        send = sends[value["correlationId"]]
        assert (send["partition"], send["offset"]) == (value["partition"], value["offset"])
        assert value["durationMs"] >= 0


def test_messages_that_a_crash_made_a_group_read_again_are_counted_as_deliveries_and_found(recorded, direct):
    deliveries = Counter(
        (value["topic"], value["partition"], value["offset"], value["groupId"]) for value in direct.of("CONSUME")
    )
    for value in direct.of("CONSUME"):
        place = (value["topic"], value["partition"], value["offset"], value["groupId"])
        assert 1 <= value["deliveryCount"] <= deliveries[place]
    twice = {place for place, count in deliveries.items() if count > 1}
    assert len(twice) >= 20
    over = [finding for finding in direct.findings.values() if finding["reason"] == "over-consumed"]
    assert {tuple(finding[name] for name in ("topic", "partition", "offset", "groupId")) for finding in over} == twice


def test_every_commit_of_the_orderly_group_is_there_and_settles_what_was_read(recorded, direct):
    commits = [value for value in direct.of("COMMIT") if value["groupId"] == "audit"]
    own = places(value for value in commits if "settledBy" not in value)
    assert own.keys() == {(one.topic, one.partition, one.offset - 1) for one in recorded.audit_committed}
    settled = [value for value in commits if not value.get("repeated")]
    assert places(settled) == dict.fromkeys(recorded.positions(ORDERS), 1)
    assert all(value["durationMs"] >= 0 and value["correlationId"] for value in settled)


def test_messages_that_nobody_reads_are_located_by_their_headers_alone(recorded, direct, direct_with_headers):
    assert [value for value in at(UNREAD, direct.of("SEND")) if "partition" in value] == []
    assert places(at(UNREAD, direct_with_headers.of("SEND"))) == dict.fromkeys(recorded.positions(UNREAD), 1)
    assert all("durationMs" in value for value in at(UNREAD, direct_with_headers.of("ACK")))
    assert [value for value in at(SILENT, direct_with_headers.of("SEND")) if "partition" in value] == []


def test_flink_gives_the_same_as_the_direct_runner(direct_with_headers, flink):
    _, found = flink
    assert_same(direct_with_headers.traces, found.traces)
    assert_same(timeless(direct_with_headers), timeless(found))
    assert found.letters == {}


def test_with_the_traffic_over_every_deadline_fires_on_flink(recorded, flink):
    _, found = flink
    lonely = at(SILENT, found.of("SEND"))
    assert len(lonely) == len(recorded.produced[SILENT])
    assert Counter(finding["type"] for finding in at(SILENT, unlinked(found)) if "type" in finding) == {
        "SEND": 20,
        "ACK": 20,
    }


def test_a_replay_of_the_dumped_topic_gives_the_same(recorded, direct, tmp_path):
    file = dump(recorded.servers, TRACING, tmp_path / "dump.jsonl")
    again = replayed(settings(recorded.servers, "replay", tmp_path), tmp_path, file)
    assert_same(direct.traces, again.traces)
    assert_same(direct.findings, again.findings)


def test_a_replay_with_the_messages_gives_the_same_as_reading_their_headers(recorded, direct_with_headers, tmp_path):
    files = [dump(recorded.servers, topic, tmp_path / f"{topic}.jsonl") for topic in (TRACING, UNREAD)]
    again = replayed(settings(recorded.servers, "replay", tmp_path), tmp_path, *files)
    assert_same(direct_with_headers.traces, again.traces)
    assert_same(direct_with_headers.findings, again.findings)
