"""Python clients on a real broker: what they write aggregates like the traces of Java clients of the same traffic."""

import time
from collections import Counter
from pathlib import Path

import pytest
from confluent_kafka import TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic

from runners.kafka.broker import Broker
from tests.integration.aggregations import directly, settings, tracing_aggregator
from tests.integration.java_clients import Clients
from tracing_clients import TracingConsumer, TracingProducer

pytestmark = pytest.mark.integration
PYTHON, JAVA, COPY = "python-orders", "java-orders", "python-copies"
COUNT = 30
WITHIN_S = 60
PATIENT = {"retries": "1000"}


def python_producer(servers: str, **more) -> TracingProducer:
    return TracingProducer({"bootstrap.servers": servers, "client.id": "python-shop"} | more)


def python_consumer(servers: str, group: str, **more) -> TracingConsumer:
    own = {"bootstrap.servers": servers, "client.id": f"{group}-1", "group.id": group, "auto.offset.reset": "earliest"}
    return TracingConsumer(own | {"enable.auto.commit": False} | more)


def read(consumer: TracingConsumer, topic: str, count: int = COUNT) -> list:
    """Reads so many messages, and commits each batch but that of a group without a commit."""
    consumer.subscribe([topic])
    found: list = []
    deadline = time.monotonic() + WITHIN_S
    while len(found) < count:
        assert time.monotonic() < deadline, f"{len(found)} of {count}"
        found += consumer.consume(10, 0.5)
    return found


def python_traffic(servers: str) -> None:
    with python_producer(servers) as producer:
        for number in range(COUNT):
            producer.produce(PYTHON, str(number), partition=0)
    consumer = python_consumer(servers, "python-billing")
    read(consumer, PYTHON)
    consumer.commit(asynchronous=False)
    consumer.close()


def automatic_commits(servers: str) -> None:
    consumer = python_consumer(servers, "python-audit", **{"enable.auto.commit": True})
    read(consumer, PYTHON)
    consumer.close()


def copies_in_a_transaction(servers: str) -> None:
    """The first attempt is aborted, the second one is committed."""
    consumer = python_consumer(servers, "python-copier")
    messages = read(consumer, PYTHON)
    producer = python_producer(servers, **{"transactional.id": "copier", "client.id": "copier"})
    producer.init_transactions(WITHIN_S)
    for end, offset in ((producer.abort_transaction, 20), (producer.commit_transaction, 5)):
        producer.begin_transaction()
        for message in messages[:5]:
            producer.produce(COPY, message.value(), partition=0)
        assert producer.flush(WITHIN_S) == 0
        positions = [TopicPartition(PYTHON, 0, offset)]
        producer.send_offsets_to_transaction(positions, consumer.consumer_group_metadata(), WITHIN_S)
        end(WITHIN_S)
    [committed] = consumer.committed([TopicPartition(PYTHON, 0)], WITHIN_S)
    assert committed.offset == 5
    producer.close()
    consumer.close()


def java_traffic(servers: str, folder: Path) -> None:
    with Clients(servers, folder) as clients:
        clients.producer("java-shop", JAVA, count=COUNT, properties=PATIENT).wait(WITHIN_S)
        clients.consumer("java-billing-1", JAVA, "java-billing", count=COUNT).wait(WITHIN_S)


@pytest.fixture(scope="module")
def found(shared_broker: Broker, tmp_path_factory: pytest.TempPathFactory):
    folder = tmp_path_factory.mktemp("python-clients")
    servers = shared_broker.bootstrap_servers
    given = settings(servers, "python-clients", folder, topics_include=f"{PYTHON},{JAVA},{COPY}")
    given["retention.ms"] = "3600000"
    tracing_aggregator("topics", given=given)
    admin = AdminClient({"bootstrap.servers": servers})
    made = admin.create_topics([NewTopic(topic, 1, 1) for topic in (PYTHON, JAVA, COPY)])
    for one in made.values():
        one.result(WITHIN_S)
    python_traffic(servers)
    automatic_commits(servers)
    copies_in_a_transaction(servers)
    java_traffic(servers, folder)
    return directly(given)


def of(found, topic: str, kind: str, group: str | None = None) -> list[dict]:
    return [value for value in found.of(kind) if value["topic"] == topic and value.get("groupId") == group]


@pytest.mark.parametrize("group", ["python-billing", "python-audit"])
def test_every_message_of_python_clients_is_followed_from_its_send_to_its_commit(found, group):
    groups = {"SEND": None, "ACK": None, "CONSUME": group, "COMMIT": group}
    traces = {kind: of(found, PYTHON, kind, groups[kind]) for kind in groups}
    names = {value["offset"]: value["correlationId"] for value in traces["SEND"]}
    assert names.keys() == set(range(COUNT))
    for kind, values in traces.items():
        firsts = [value for value in values if not value.get("repeated")]
        assert {value["offset"]: value["correlationId"] for value in firsts} == names, kind
        assert len(firsts) == COUNT
        assert all((value.get("durationMs", -1) >= 0) == (kind != "SEND") for value in firsts)


def test_copies_in_transactions_are_sent_and_acknowledged_whether_aborted_or_not(found):
    for kind in ("SEND", "ACK"):
        assert len({value["offset"] for value in of(found, COPY, kind)}) == 10


def test_offsets_of_the_committed_transaction_are_committed_and_those_of_the_aborted_one_are_not(found):
    commits = of(found, PYTHON, "COMMIT", "python-copier")
    assert sorted(value["offset"] for value in commits) == list(range(5))
    assert {value["clientId"] for value in commits} == {"copier"}


def test_healthy_python_clients_give_no_finding(found):
    assert [finding for finding in found.findings.values() if finding["topic"] in {PYTHON, COPY}] == []


def test_python_and_java_clients_aggregate_alike(found):
    ours = {"recordTimestamp"}  # which the Java interceptors do not write

    def shapes(topic: str, group: str) -> Counter:
        """What is known of how many messages of each kind; which message ended a batch depends on the batches."""
        traces = [value for kind in ("SEND", "ACK") for value in of(found, topic, kind)]
        traces += [value for kind in ("CONSUME", "COMMIT") for value in of(found, topic, kind, group)]
        told = [value for value in traces if not value.get("repeated")]
        return Counter((value["type"], value["offset"], *sorted(value.keys() - ours - {"settledBy"})) for value in told)

    assert shapes(PYTHON, "python-billing") == shapes(JAVA, "java-billing")
