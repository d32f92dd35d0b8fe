"""What is observed of ordinary clients in two languages is what they say themselves in their logs."""

import json
import time
from collections import defaultdict
from collections.abc import Iterator
from itertools import pairwise
from typing import Any, NamedTuple

import pytest
from confluent_kafka import Consumer, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic

from runners.kafka.broker import Broker
from tests.integration.aggregations import FINDINGS, OnFlink, directly, settings, tracing_aggregator
from tests.integration.flink_processes import records
from tests.integration.java_clients import Clients

pytestmark = [pytest.mark.integration, pytest.mark.broker, pytest.mark.java]

ORDERS, PARTITIONS, MESSAGES = "observed-orders", 2, 200
CLASSIC, NEW, JAVA = "observed-classic", "observed-kip848", "observed-java"
Value = dict[str, Any]


class Commit(NamedTuple):
    """A commit in a client's own log; it was made between two times (ms) of the client."""

    partition: int
    offset: int
    after: float = 0.0
    before: float = 0.0


class Ordinary:
    """A consumer of confluent-kafka that nobody traces, and its log."""

    def __init__(self, servers: str, group: str, protocol: str) -> None:
        self.commits: list[Commit] = []
        #: Timestamps of the messages that it read, by position.
        self.read: dict[tuple[int, int], int] = {}
        given = {"bootstrap.servers": servers, "group.id": group, "group.protocol": protocol}
        self._consumer = Consumer({**given, "auto.offset.reset": "earliest", "enable.auto.commit": False})
        self._consumer.subscribe([ORDERS])
        self._next: dict[int, int] = {}

    def take(self, messages: int) -> None:
        """Read so many."""
        deadline = time.monotonic() + 60
        while messages:
            assert time.monotonic() < deadline
            message = self._consumer.poll(1)
            if message is not None and message.error() is None:
                partition, offset = message.partition() or 0, message.offset() or 0
                self.read[partition, offset] = message.timestamp()[1]
                self._next[partition] = offset + 1
                messages -= 1

    def commit(self, **offsets: int) -> None:
        """Commit what was read, or these offsets: `p0=5`."""
        wanted = {int(name[1:]): offset for name, offset in offsets.items()} or self._next
        after = time.time() * 1000
        self._consumer.commit(offsets=[TopicPartition(ORDERS, *place) for place in wanted.items()], asynchronous=False)
        before = time.time() * 1000
        self.commits += [Commit(*place, after, before) for place in wanted.items()]

    def close(self) -> None:
        self._consumer.close()


class Traffic(NamedTuple):
    """The logs of all three groups, and when each message was written."""

    commits: dict[str, list[Commit]]
    written: dict[tuple[int, int], int]


@pytest.fixture(scope="module")
def traffic(shared_broker: Broker, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Traffic]:
    """Three groups: one goes back once and is closed, one falls behind and stays, one is Kafka's own Java consumer."""
    servers = shared_broker.bootstrap_servers
    admin = AdminClient({"bootstrap.servers": servers})
    admin.create_topics([NewTopic(ORDERS, PARTITIONS)])[ORDERS].result(30)
    producer = Producer({"bootstrap.servers": servers})
    classic, new = Ordinary(servers, CLASSIC, "classic"), Ordinary(servers, NEW, "consumer")
    with Clients(servers, tmp_path_factory.mktemp("observed-clients")) as clients:
        java = clients.consumer("observed-java-1", ORDERS, JAVA, traced=False)
        java.wait_for(0)
        for number in range(MESSAGES):
            producer.produce(ORDERS, b"x" * 100, partition=number % PARTITIONS, headers=[("correlationId", b"c")])
            if number % 50 == 49:
                assert producer.flush(30) == 0
                classic.take(50)
                classic.commit()
                if number < 100:
                    new.take(20)
                    new.commit()
        classic.commit(p0=30)
        classic.commit(p0=60)
        java.wait_for(MESSAGES)
        java.stop()
    classic.close()
    logs = {
        CLASSIC: classic.commits,
        NEW: new.commits,
        JAVA: [Commit(each.partition, each.offset) for each in java.committed()],
    }
    yield Traffic(logs, classic.read)
    new.close()


class Seen(NamedTuple):
    """What a run wrote: minutes of groups by group and partition, minutes of partitions, observed findings."""

    groups: dict[tuple[str, int], list[Value]]
    partitions: dict[int, list[Value]]
    findings: list[Value]


def seen(given: dict[str, str]) -> Seen:
    newest = {
        record.key(): json.loads(record.value()) for record in records(given["bootstrap.servers"], given["stats.topic"])
    }
    groups, partitions = defaultdict(list), defaultdict(list)
    for value in newest.values():
        if value["kind"] == "observedGroup" and value["groupId"] in (CLASSIC, NEW, JAVA):
            groups[value["groupId"], value["partition"]].append(value)
        elif value["kind"] == "observed":
            partitions[value["partition"]].append(value)
    found = [json.loads(record.value()) for record in records(given["bootstrap.servers"], given[FINDINGS])]
    return Seen(groups, partitions, [each for each in found if each.get("observed")])


def total(values: list[Value], field: str) -> int:
    return sum(value[field] for value in values)


def last_lag(values: list[Value]) -> Value:
    return max((value for value in values if "measuredAt" in value), key=lambda value: value["measuredAt"])


def assert_as_the_clients_say(found: Seen, traffic: Traffic) -> None:
    for group, log in traffic.commits.items():
        for partition in range(PARTITIONS):
            commits = [each for each in log if each.partition == partition]
            offsets = [each.offset for each in commits]
            assert commits, f"{group} committed nothing in {partition}"
            minutes = found.groups[group, partition]
            rewinds = sum(later < earlier for earlier, later in pairwise(offsets))
            assert total(minutes, "commitCount") == len(commits), group
            assert total(minutes, "rewinds") == rewinds, group
            assert total(minutes, "committed") == max(offsets) - offsets[0], group
            lag = last_lag(minutes)
            waits = MESSAGES // PARTITIONS - offsets[-1]
            assert (lag["lag"], lag["offsetLag"]) == (waits, waits), group
            assert (lag["lagMs"] > 0) == (waits > 0)
    for partition, minutes in found.partitions.items():
        assert total(minutes, "messages") == total(minutes, "withCorrelationId") == MESSAGES // PARTITIONS, partition
        assert total(minutes, "bytes") == 100 * MESSAGES // PARTITIONS
        assert {value["timestampType"] for value in minutes} == {"CreateTime"}
    assert last_lag(found.groups[NEW, 0])["members"] == 1
    assert last_lag(found.groups[CLASSIC, 0])["members"] == last_lag(found.groups[JAVA, 0])["members"] == 0


def assert_latencies(found: Seen, traffic: Traffic) -> None:
    """Each message was first committed between two times that the client knows."""
    for partition in range(PARTITIONS):
        low = high = 0.0
        commits = [each for each in traffic.commits[CLASSIC] if each.partition == partition]
        settled = commits[0].offset
        for commit in commits[1:]:
            for offset in range(settled, commit.offset):
                low += commit.after - 1 - traffic.written[partition, offset]
                high += commit.before + 1 - traffic.written[partition, offset]
            settled = max(settled, commit.offset)
        latencies = [value["produceToCommitMs"] for value in found.groups[CLASSIC, partition] if value["committed"]]
        assert sum(each["count"] for each in latencies) == settled - commits[0].offset
        assert low <= sum(each["count"] * each["avg"] for each in latencies) <= high


def assert_found(found: Seen) -> None:
    """The one rewind, and the group that stays and does not go on; nothing else."""
    [rewound] = [each for each in found.findings if each["reason"] == "rewound" and each["topic"] == ORDERS]
    assert (rewound["groupId"], rewound["partition"]) == (CLASSIC, 0)
    assert (rewound["offset"], rewound["fromOffset"]) == (29, MESSAGES // PARTITIONS - 1)
    stalled = [each for each in found.findings if each["reason"] == "stalled"]
    assert {(each["groupId"], each["partition"]) for each in stalled} == {(NEW, 0), (NEW, 1)}
    assert not any(each.get("resolved") for each in found.findings)


def test_a_bounded_run_sees_what_three_ordinary_groups_say_they_did(shared_broker, traffic, tmp_path):
    given = settings(
        shared_broker.bootstrap_servers, "observing", tmp_path,
        tracing_topic="observing-tracing", observe_topics=ORDERS, retention_ms="86400000", stalled_ms="1",
    )  # fmt: skip
    assert directly(given).traces == {}
    found = seen(given)
    assert_as_the_clients_say(found, traffic)
    assert_latencies(found, traffic)
    assert_found(found)


@pytest.mark.flink
def test_a_stream_sees_the_same_and_who_is_stalled(shared_broker, traffic, tmp_path):
    given = settings(
        shared_broker.bootstrap_servers, "observing-stream", tmp_path,
        tracing_topic="observing-stream-tracing", observe_topics="observed-.*", retention_ms="86400000",
        stalled_ms="5000", stats_interval_ms="2000", metrics_port="0",
    )  # fmt: skip

    with OnFlink(given, tmp_path / "run.log") as run:
        run.wait_until(lambda _: len([each for each in seen(given).findings if each["reason"] == "stalled"]) == 2)
        run.end()
    found = seen(given)
    assert_as_the_clients_say(found, traffic)
    assert_latencies(found, traffic)
    assert_found(found)


def test_groups_are_not_seen_unless_their_topic_is_observed(shared_broker, traffic, tmp_path):
    given = settings(
        shared_broker.bootstrap_servers, "observing-none", tmp_path,
        tracing_topic="observing-none-tracing", observe_topics="absent-topic",
    )  # fmt: skip
    tracing_aggregator("topics", given=given)
    tracing_aggregator("run", "--runner=direct", given=given)
    assert seen(given) == Seen({}, {}, [])
