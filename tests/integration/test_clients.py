import json
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import Consumer, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic

from runners.java.java_process import JavaProcessError
from runners.kafka.broker import Broker
from tests.integration.java_clients import Clients, Committed

pytestmark = pytest.mark.integration

Trace = dict[str, Any]


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    with Broker(tmp_path_factory.mktemp("broker")) as running:
        admin = AdminClient({"bootstrap.servers": running.bootstrap_servers})
        topics = [NewTopic("_tracing", 1), NewTopic("orders", 3), NewTopic("plain", 1), NewTopic("endless", 1)]
        for created in admin.create_topics(topics).values():
            created.result(30)
        yield running


@pytest.fixture
def clients(broker: Broker, tmp_path: Path) -> Iterator[Clients]:
    with Clients(broker.bootstrap_servers, tmp_path) as running:
        yield running


def traces(broker: Broker, topic: str) -> list[Trace]:
    """The raw traces of one topic that are in `_tracing` now."""
    consumer = Consumer({"bootstrap.servers": broker.bootstrap_servers, "group.id": "reader", "log_level": 0})
    try:
        _, end = consumer.get_watermark_offsets(TopicPartition("_tracing", 0), timeout=10)
        consumer.assign([TopicPartition("_tracing", 0, 0)])
        messages = consumer.consume(end, timeout=30)
        assert len(messages) == end
    finally:
        consumer.close()
    return [trace for message in messages if (trace := json.loads(message.value() or b""))["topic"] == topic]


def of_type(kind: str, among: list[Trace]) -> list[Trace]:
    return [trace for trace in among if trace["type"] == kind]


def position(trace: Trace) -> tuple[str, int, int]:
    return trace["topic"], trace["partition"], trace["offset"]


def test_every_phase_of_every_message_is_traced_and_agrees_with_what_the_client_says(
    broker: Broker, clients: Clients
) -> None:
    producer = clients.producer("shop", "orders", count=100, keys=10)
    producer.wait()
    produced = producer.produced()
    consumer = clients.consumer("billing-1", "orders", "billing")
    consumer.wait_for(100)
    consumer.stop()

    seen = traces(broker, "orders")
    assert Counter(trace["clientId"] for trace in seen if trace["type"] in ("SEND", "ACK")) == {"shop": 200}
    assert len({trace["correlationId"] for trace in of_type("SEND", seen)}) == 100
    assert {message.partition for message in produced} == {0, 1, 2}
    assert sorted(position(trace) for trace in of_type("ACK", seen)) == sorted(message[:3] for message in produced)
    consumes = of_type("CONSUME", seen)
    assert sorted(map(position, consumes)) == sorted(tuple(message) for message in consumer.consumed())
    assert {trace["correlationId"] for trace in consumes} == {trace["correlationId"] for trace in of_type("SEND", seen)}
    assert {(trace["groupId"], trace["clientId"]) for trace in consumes} == {("billing", "billing-1")}
    commits = {Committed(trace["topic"], trace["partition"], trace["offset"] + 1) for trace in of_type("COMMIT", seen)}
    assert commits == set(consumer.committed())


def test_a_group_that_commits_by_itself_is_traced_as_well(broker: Broker, clients: Clients) -> None:
    clients.producer("shop", "plain", count=10).wait()
    consumer = clients.consumer(
        "audit-1", "plain", "audit", auto_commit=True, properties={"auto.commit.interval.ms": "100"}
    )
    consumer.wait_for(10)
    consumer.stop()
    commits = [trace["offset"] for trace in of_type("COMMIT", traces(broker, "plain"))]
    assert max(commits) == 9


def test_clients_that_are_not_traced_leave_no_trace(broker: Broker, clients: Clients) -> None:
    clients.producer("silent", "plain", count=5, traced=False).wait()
    assert not [trace for trace in traces(broker, "plain") if trace["clientId"] == "silent"]


def test_an_endless_producer_keeps_its_rate_until_it_is_stopped(clients: Clients) -> None:
    producer = clients.producer("endless", "endless", rate=50)
    producer.process.wait_until(lambda: len(producer.produced()) >= 10, 30)
    start, before = time.monotonic(), len(producer.produced())
    time.sleep(2)
    rate = (len(producer.produced()) - before) / (time.monotonic() - start)
    producer.stop()
    assert 30 < rate < 70
    values = [int(message.value) for message in producer.produced()]
    assert values == list(range(len(values)))


def test_traffic_for_days_leaves_no_file_that_grows(broker: Broker, tmp_path: Path) -> None:
    with Clients(broker.bootstrap_servers, tmp_path, keep_output=False) as clients:
        clients.producer("days", "plain", count=5).wait()
    assert {file.name: file.stat().st_size for file in tmp_path.glob("*.[jl]*")} == {"days.log": 0}


def test_a_client_with_a_wrong_setting_says_so(clients: Clients) -> None:
    producer = clients.producer("wrong", "plain", count=1, properties={"acks": "perhaps"})
    with pytest.raises(JavaProcessError, match=r"Client wrong ended with exit code 1\.[\s\S]*perhaps"):
        producer.wait()


def test_leaving_the_block_stops_all_of_them(broker: Broker, tmp_path: Path) -> None:
    with Clients(broker.bootstrap_servers, tmp_path) as some:
        endless = [some.producer("p", "endless", rate=1), some.consumer("c", "endless", "g")]
    assert all(client.process.returncode is not None for client in endless)
