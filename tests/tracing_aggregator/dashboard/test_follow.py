"""The thread that follows Kafka, against librdkafka's mock cluster: a broker in this process."""

import time
from collections.abc import Callable

import orjson
import pytest
from confluent_kafka import KafkaError, KafkaException, Producer

from pipeline.config.load import Config, load_config
from tests.tracing_aggregator.dashboard.stores import TRACES, Made
from tests.tracing_aggregator.explain.cases import Value, sent
from tracing_aggregator.dashboard.follow import Follower

PATIENCE_S = 30


class Cluster:
    """A mock cluster; it lives as long as its producer."""

    def __init__(self) -> None:
        self.producer = Producer({"bootstrap.servers": "mock", "test.mock.num.brokers": 1, "log_level": 0})
        [broker] = self.producer.list_topics(timeout=10).brokers.values()
        self.config: Config = load_config(None, {}, [f"bootstrap.servers={broker.host}:{broker.port}"])

    def write(self, values: list[Value]) -> None:
        for number, value in enumerate(values):
            self.producer.produce(TRACES, orjson.dumps(value), key=str(number).encode(), timestamp=1000 + number)
        assert self.producer.flush(10) == 0


@pytest.fixture(scope="module")
def cluster() -> Cluster:
    return Cluster()


def wait(until: Callable[[], object]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not until():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def count(made: Made) -> int:
    return made.reader.value("SELECT count(*) FROM traces")


def test_all_partitions_are_read_and_a_restart_goes_on_where_it_was(made, cluster):
    cluster.write([sent(number, id=f"s{number}") for number in range(50)])
    follower = Follower(cluster.config, made.connection, None, 1000)
    follower.start()
    wait(lambda: count(made) == 50)
    follower.stop()
    assert follower.status()["state"] == "following"
    read = made.reader.value("SELECT sum(records) FROM partitions")
    assert made.reader.value("SELECT sum(end - next) FROM partitions") == 0

    cluster.write([sent(number, id=f"t{number}") for number in range(20)])
    follower = Follower(cluster.config, made.connection, None, 1000)
    follower.start()
    wait(lambda: count(made) == 70)
    follower.stop()
    assert made.reader.value("SELECT sum(records) FROM partitions") == read + 20


def test_a_store_stays_bounded_while_it_follows(made, cluster):
    cluster.write([sent(number, id=f"u{number}") for number in range(100)])
    follower = Follower(cluster.config, made.connection, None, 10)
    follower.start()
    wait(lambda: count(made) == 10 and follower.status()["state"] == "following")
    follower.stop()


def test_a_store_of_another_cluster_is_left_alone(made, cluster):
    made.connection.execute("INSERT INTO meta VALUES ('cluster', 'other')")
    follower = Follower(cluster.config, made.connection, None, 10)
    follower.start()
    wait(lambda: follower.status()["state"] == "failed")
    follower.stop()
    assert "another cluster" in follower.status()["error"]
    assert count(made) == 0


def test_brokers_that_do_not_answer_are_told_and_asked_again(made, monkeypatch):
    monkeypatch.setattr("tracing_aggregator.dashboard.follow.TIMEOUT_S", 0.5)
    follower = Follower(load_config(None, {}, ["bootstrap.servers=127.0.0.1:1"]), made.connection, None, 10)
    follower.start()
    wait(lambda: follower.status()["state"] == "failed")
    follower.stop()
    assert follower.status()["error"]


def test_a_broker_that_answers_late_gets_more_time_with_each_wait(made):
    waits: list[float] = []

    def late(wait: float) -> str:
        waits.append(wait)
        if wait < 2:
            raise KafkaException(KafkaError(KafkaError._TIMED_OUT))
        return "answer"

    assert Follower(Config(), made.connection, None, 10)._answer(late) == "answer"
    assert waits == [0.5, 1, 2]


def test_what_no_wait_mends_is_told_at_once(made):
    def refused(_wait: float) -> str:
        raise KafkaException(KafkaError(KafkaError._AUTHENTICATION))

    with pytest.raises(KafkaException, match="_AUTHENTICATION"):
        Follower(Config(), made.connection, None, 10)._answer(refused)
