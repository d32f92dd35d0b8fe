"""What happens to the topics that are read, on a real broker and embedded Flink: nothing is passed over in silence."""

import json
import time
from pathlib import Path

import pytest
from confluent_kafka import ConsumerGroupTopicPartitions, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic

from tests.integration.aggregations import FINDINGS, TRACES, OnFlink, in_kafka, settings
from tests.integration.flink_processes import wait_until

pytestmark = [pytest.mark.integration, pytest.mark.flink]
RUNNING = "Running after"
SOON = {"hold_send_ms": "1000", "checkpoint_interval_ms": "1000", "discovery_interval_ms": "1000", "metrics_port": "0"}


@pytest.fixture
def admin(shared_broker) -> AdminClient:
    return AdminClient({"bootstrap.servers": shared_broker.bootstrap_servers})


def configured(shared_broker, name: str, folder: Path, **more: str) -> dict[str, str]:
    return settings(shared_broker.bootstrap_servers, name, folder, tracing_topic=f"{name}-tracing", **SOON, **more)


def create(admin: AdminClient, topic: str) -> None:
    new = NewTopic(topic, 1, 1, config={"message.timestamp.type": "LogAppendTime"})
    admin.create_topics([new])[topic].result(30)


def send(given: dict[str, str], *names: str) -> None:
    """One SEND for each name, which is its id."""
    producer = Producer({"bootstrap.servers": given["bootstrap.servers"]})
    for name in names:
        date = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        trace = {"id": name, "type": "SEND", "topic": "orders", "correlationId": name, "clientId": "shop", "date": date}
        producer.produce(given["tracing.topic"], json.dumps(trace))
    assert producer.flush(30) == 0


def came_out(given: dict[str, str], run: OnFlink, *names: str) -> None:
    run.wait_until(lambda found: set(names) <= found.traces.keys())


def lost(given: dict[str, str]) -> list[dict]:
    return [one for one in in_kafka(given).findings.values() if one["reason"] == "input-lost"]


def test_retention_that_overtook_us_is_a_finding_and_reading_goes_on(shared_broker, admin, tmp_path):
    given = configured(shared_broker, "overtaken", tmp_path)
    create(admin, given["tracing.topic"])
    with OnFlink(given, tmp_path / "1.log") as run:
        send(given, "a", "b")
        came_out(given, run, "a", "b")
        run.end()
    send(given, "c", "d", "e", "f")
    place = TopicPartition(given["tracing.topic"], 0, 5)
    admin.delete_records([place])[place].result(30)
    with OnFlink(given, tmp_path / "2.log") as run:
        came_out(given, run, "f")
        wait_until(lambda: lost(given), 60, run.said)
        run.end()
    [finding] = lost(given)
    assert (finding["offset"], finding["resumedAt"], finding["count"]) == (2, 5, 3)
    assert "c" not in in_kafka(given).traces


def test_a_topic_that_was_made_anew_is_read_from_its_beginning(shared_broker, admin, tmp_path):
    given = configured(shared_broker, "anew", tmp_path)
    create(admin, given["tracing.topic"])
    with OnFlink(given, tmp_path / "run.log") as run:
        send(given, "a", "b", "c")
        came_out(given, run, "a", "b", "c")
        admin.delete_topics([given["tracing.topic"]])[given["tracing.topic"]].result(30)
        time.sleep(2)
        create(admin, given["tracing.topic"])
        send(given, "d", "e", "f", "g")
        came_out(given, run, "d", "e", "f", "g")
        assert "Flink restarts the job" not in run.said()
        run.end()


def test_lag_tools_see_what_a_complete_checkpoint_holds_and_a_start_without_state_begins_there(
    shared_broker, admin, tmp_path
):
    given = configured(shared_broker, "lag", tmp_path)
    create(admin, given["tracing.topic"])

    def committed() -> int:
        wanted = [ConsumerGroupTopicPartitions("lag", [TopicPartition(given["tracing.topic"], 0)])]
        [answer] = admin.list_consumer_group_offsets(wanted).values()
        [place] = answer.result(30).topic_partitions
        return place.offset

    with OnFlink(given, tmp_path / "1.log") as run:
        send(given, "a", "b", "c")
        came_out(given, run, "a", "b", "c")
        wait_until(lambda: committed() == 3, 60, run.said)
        run.end()
    send(given, "d")
    elsewhere = {**given, "state.dir": str(tmp_path / "elsewhere"), TRACES: "lag-again", FINDINGS: "lag-findings-again"}
    with OnFlink(elsewhere, tmp_path / "2.log", "--start-anew") as run:
        came_out(elsewhere, run, "d")
        run.end()
    assert set(in_kafka(elsewhere).traces) == {"d"}


def test_business_topics_that_come_later_are_read_without_a_restart(shared_broker, admin, tmp_path):
    given = configured(shared_broker, "later", tmp_path, trace_topics="later-orders")
    create(admin, given["tracing.topic"])
    with OnFlink(given, tmp_path / "run.log") as run:
        wait_until(lambda: RUNNING in run.said(), 180, run.said)
        create(admin, "later-orders")
        producer = Producer({"bootstrap.servers": given["bootstrap.servers"]})
        producer.produce("later-orders", b"payload", headers=[("correlationId", b"x")])
        date = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        trace = {
            "id": "x",
            "type": "SEND",
            "topic": "later-orders",
            "correlationId": "x",
            "clientId": "s",
            "date": date,
        }
        producer.produce(given["tracing.topic"], json.dumps(trace))
        assert producer.flush(30) == 0
        run.wait_until(lambda found: "x" in found.traces and found.traces["x"][1].get("offset") == 0)
        assert run.said().count(RUNNING) == 1
        run.end()
