"""`sink elasticsearch` with a real broker and a real OpenSearch: all arrives, whatever happens."""

import base64
import json
import threading
from typing import Self

import pytest
from confluent_kafka import Consumer, Producer, TopicPartition

from tests.integration.aggregations import FINDINGS, LETTERS, TRACES, in_kafka, settings, tracing_aggregator
from tests.integration.flink_processes import records
from tests.integration.search_server import SearchServer
from tests.integration.sink_processes import SinkProcess
from tests.tracing_aggregator.explain.cases import found, sent

pytestmark = pytest.mark.integration

PACE_S = 0.005
MOST = 10_000  # as many as a search gives


@pytest.fixture
def given(shared_broker, search_server, tmp_path, request) -> dict[str, str]:
    """A configuration with topics of its own."""
    name = request.node.name.replace("test_", "")[:40]
    given = settings(shared_broker.bootstrap_servers, name, tmp_path, elasticsearch_url=search_server.url)
    tracing_aggregator("topics", given=given)
    return given


def of_day(search_server: SearchServer, day: str) -> dict:
    return search_server.documents(f"trace-{day}*", size=10_000)


def committed(given: dict[str, str], topic: str) -> int:
    """How far the sink's group has committed, in all partitions together."""
    group = f"{given['application.id']}-elasticsearch"
    consumer = Consumer({"bootstrap.servers": given["bootstrap.servers"], "group.id": group})
    try:
        places = [TopicPartition(topic, number) for number in consumer.list_topics(topic).topics[topic].partitions]
        return sum(max(place.offset, 0) for place in consumer.committed(places, timeout=15))
    finally:
        consumer.close()


class Writing:
    """Writes SENDs of one day to a topic, in a thread, for as long as the block lasts; `ids` are theirs."""

    def __init__(self, given: dict[str, str], day: str) -> None:
        self._given = given
        self._day = day
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self.ids: set[str] = set()

    def _run(self) -> None:
        producer = Producer({"bootstrap.servers": self._given["bootstrap.servers"]})
        while not self._ended.is_set() and len(self.ids) < MOST:
            value = sent(id=f"{self._day}-{len(self.ids)}", date=f"{self._day}T12:00:00Z")
            producer.produce(self._given[TRACES], json.dumps(value), value["id"])
            self.ids.add(value["id"])
            producer.poll(PACE_S)
        producer.flush(30)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join(60)


def test_genuine_traces_findings_and_statistics_become_documents(aggregated, search_server, tmp_path):
    outcome = in_kafka(aggregated)
    given = {**aggregated, "elasticsearch.url": search_server.url}
    topics = [given[topic] for topic in (TRACES, FINDINGS, "stats.topic")]
    end = sum(len(records(given["bootstrap.servers"], topic)) for topic in topics)
    with SinkProcess("elasticsearch", given, tmp_path / "log") as sink:
        sink.wait_until(
            lambda: sum(committed(given, given[topic]) for topic in (TRACES, FINDINGS, "stats.topic")) == end
        )
        sink.end()
    traces = {value["id"]: value for _, value in outcome.traces.values()}
    documents = search_server.documents("trace-*", query={"term": {"topic.keyword": "test"}})
    assert {key: {**value, "revision": 0} for key, value in documents.items()} == {
        key: {**value, "revision": 0} for key, value in traces.items()
    }
    stats = {record.key().decode() for record in records(given["bootstrap.servers"], given["stats.topic"])}
    assert search_server.documents("kafkatrace-stats-*").keys() == stats
    open_findings = search_server.documents(
        "kafkatrace-anomaly*", query={"bool": {"filter": [{"term": {"resolved": False}}, {"term": {"topic": "test"}}]}}
    )
    assert open_findings.keys() == outcome.findings.keys() != set()


def test_a_kill_in_mid_stream_loses_nothing_and_what_comes_twice_is_there_once(given, search_server, tmp_path):
    with Writing(given, "2031-01-01") as writing, SinkProcess("elasticsearch", given, tmp_path / "killed") as sink:
        sink.wait_until(lambda: of_day(search_server, "2031.01.01"))
        sink.kill()
    assert len(writing.ids) < MOST
    with SinkProcess("elasticsearch", given, tmp_path / "again") as sink:
        sink.wait_until(lambda: committed(given, given[TRACES]) == len(writing.ids))
        sink.end()
    assert of_day(search_server, "2031.01.01").keys() == writing.ids


def test_until_the_server_is_there_the_sink_waits_and_then_goes_on(given, tmp_path) -> None:
    server = SearchServer(tmp_path / "away")
    given = {**given, "elasticsearch.url": server.url}
    with Writing(given, "2031-02-02") as writing, SinkProcess("elasticsearch", given, tmp_path / "log") as sink:
        sink.wait_until(lambda: "does not answer" in sink.said())
        with server:
            sink.wait_until(lambda: of_day(server, "2031.02.02"))
            assert "again in" in sink.end()
            assert of_day(server, "2031.02.02").keys() <= writing.ids


def test_what_the_server_rejects_becomes_a_dead_letter_and_the_rest_is_written(given, search_server, tmp_path):
    day = {"date": "2031-03-03T12:00:00Z"}
    good, bad = sent(id="good", **day), sent(id="bad", durationMs="soon", **day)
    written = {json.dumps(bad).encode(): "rejected-by-elasticsearch", b"no trace": "not-json"}
    producer = Producer({"bootstrap.servers": given["bootstrap.servers"]})
    for value in (*written, json.dumps(good).encode()):
        producer.produce(given[TRACES], value, b"key", partition=1)
    assert producer.flush(30) == 0
    with SinkProcess("elasticsearch", given, tmp_path / "log") as sink:
        sink.wait_until(lambda: committed(given, given[TRACES]) == 3)
        assert "1 written, 2 dead letters." in sink.end()
    assert of_day(search_server, "2031.03.03") == {"good": good}
    letters = [json.loads(record.value()) for record in records(given["bootstrap.servers"], given[LETTERS])]
    assert {base64.b64decode(letter["value"]): letter["reason"] for letter in letters} == written
    assert {(letter["topic"], letter["partition"], letter["key"]) for letter in letters} == {
        (given[TRACES], 1, base64.b64encode(b"key").decode())
    }
    [detail] = [letter["detail"] for letter in letters if letter["reason"] == "rejected-by-elasticsearch"]
    assert "durationMs" in detail


def test_a_later_word_replaces_an_earlier_one_in_whatever_order_they_come(given, search_server, tmp_path) -> None:
    """The second word lies in a partition of its own, so nothing but its timestamp says that it came later."""
    identity = "lost:2031"
    first, second = found("lost", id=identity), found("lost", id=identity, resolved=True)
    withdrawn = sent(id="gone", date="2031-04-04T12:00:00Z")
    words = [
        (FINDINGS, second, 2000, 0),
        (FINDINGS, first, 1000, 1),
        (TRACES, withdrawn, 1000, 0),
        (TRACES, {**withdrawn, "withdrawn": True}, 2000, 1),
    ]
    producer = Producer({"bootstrap.servers": given["bootstrap.servers"]})
    with SinkProcess("elasticsearch", given, tmp_path / "log") as sink:
        for done, (topic, value, timestamp, partition) in enumerate(words, 1):
            producer.produce(given[topic], json.dumps(value), b"k", timestamp=timestamp, partition=partition)
            assert producer.flush(30) == 0
            sink.wait_until(lambda n=done: sum(committed(given, given[each]) for each in (FINDINGS, TRACES)) == n)
        assert "3 written, 1 superseded." in sink.end()
    assert search_server.documents("kafkatrace-anomaly")[identity]["resolved"] is True
    assert of_day(search_server, "2031.04.04") == {}
