"""Traffic on embedded Flink, then silence: deadlines fire and windows become final without a further record."""

import json
import time
from collections import Counter
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import urlopen

import pytest
from confluent_kafka import Producer
from confluent_kafka.admin import AdminClient, NewTopic

from runners.kafka.broker import Broker
from runners.ports import free_ports
from tests.integration.aggregations import OnFlink, settings
from tests.integration.flink_processes import records, wait_until
from tests.integration.traced_clients import SeekingConsumer, Traced

pytestmark = pytest.mark.integration
TRACING, TOPIC, GROUP = "idle-tracing", "went-quiet", "readers"
MESSAGES = 20
#: One message has no ACK, the group passes by another without reading it, and the last that it commits is a third.
UNACKED, SKIPPED, COMMITTED = 3, 7, 14
#: A window is final when its minute, retention, and a minute more are over.
WAITS = {
    "unacked_ms": "3000",
    "lost_ms": "3000",
    "unconsumed_ms": "4000",
    "uncommitted_ms": "5000",
    "consumption_buffer_ms": "3000",
    "stats_interval_ms": "1000",
    "retention_ms": "15000",
}
EXPECTED = Counter({"unacked": 1, "unconsumed": 1, "uncommitted": MESSAGES - 1 - COMMITTED})
COUNTED = {
    "topic": {"produced": MESSAGES, "sent": MESSAGES, "acked": MESSAGES - 1},
    "group": {"expected": MESSAGES, "actual": MESSAGES - 1, "over": 0, "under": 1, "committed": COMMITTED},
}


def some_traffic(servers: str) -> None:
    """A producer and a consumer; what their traces lack is told above."""
    messages = Producer({"bootstrap.servers": servers})
    with Traced(servers, "producer", TRACING) as producer:
        for number in range(MESSAGES):
            name = f"message-{number}"
            producer.trace("SEND", {"correlationId": name}, topic=TOPIC)
            messages.produce(TOPIC, b"x", headers={"correlationId": name})
            if number != UNACKED:
                producer.trace("ACK", {"topic": TOPIC, "partition": 0, "offset": number}, correlationId=name)
        assert messages.flush(30) == 0
    with SeekingConsumer(servers, "consumer", GROUP, TOPIC, TRACING) as consumer:
        consumer.read(SKIPPED)
        consumer.seek(SKIPPED + 1)
        consumer.read(MESSAGES - SKIPPED - 1)
        consumer.commit(COMMITTED + 1)


def final_records(given: dict[str, str]) -> list[dict]:
    """Of each key of the statistics topic the newest record, if it is final; nothing may follow such a one."""
    newest: dict[bytes, dict] = {}
    for record in records(given["bootstrap.servers"], given["stats.topic"]):
        assert not newest.get(record.key(), {}).get("final"), f"after it was final: {record.value()}"
        newest[record.key()] = json.loads(record.value())
    return [value for value in newest.values() if value.get("final")]


def sums(values: list[dict], kind: str, names: dict[str, int]) -> dict[str, int]:
    """What all windows say together: the traffic may lie on both sides of a full minute."""
    return {name: sum(value[name] for value in values if value["kind"] == kind) for name in names}


def all_final(given: dict[str, str]) -> bool:
    time.sleep(2)  # it reads a whole topic
    finals = final_records(given)
    return sums(finals, "topic", {"produced": 0}) == {"produced": MESSAGES} and any(
        value["kind"] == "group" for value in finals
    )


def ask(port: int, path: str) -> tuple[int, str]:
    """Status and text that the run answers with."""
    try:
        with urlopen(f"http://127.0.0.1:{port}{path}", timeout=10) as answer:
            return answer.status, answer.read().decode()
    except HTTPError as error:
        return error.code, error.read().decode()


def test_in_silence_deadlines_fire_and_windows_become_final(shared_broker: Broker, tmp_path: Path) -> None:
    servers = shared_broker.bootstrap_servers
    own = {"tracing_topic": TRACING, "flink_parallelism": "1", "workers": "1", "flink_memory_mb": "512"}
    given = settings(servers, "idle", tmp_path, **own, **WAITS)
    (port,) = free_ports(1)
    given["metrics.port"] = str(port)
    admin = AdminClient({"bootstrap.servers": servers})
    admin.create_topics([NewTopic(TOPIC, 1, 1)])[TOPIC].result(30)

    with OnFlink(given, tmp_path / "run.log") as run:
        some_traffic(servers)
        run.wait_until(lambda found: len(found.findings) >= EXPECTED.total())
        wait_until(lambda: all_final(given), 200, run.said)
        found = run.wait_until(lambda found: True)
        assert ask(port, "/readyz")[0] == ask(port, "/healthz")[0] == 200
        _, metrics = ask(port, "/metrics")
        run.end()

    assert Counter(finding["reason"] for finding in found.findings.values()) == EXPECTED
    raw = {json.loads(record.value())["id"] for record in records(servers, TRACING)}
    assert {value["id"] for _, value in found.traces.values() if "settledBy" not in value} == raw
    assert found.letters == {}
    for sample in (
        f'kafka_trace_produced_messages_total{{cluster="",topic="{TOPIC}"}} {MESSAGES}.0',
        f'kafka_trace_consumed_messages_total{{cluster="",group="{GROUP}",topic="{TOPIC}"}} {MESSAGES - 1}.0',
        f'kafka_trace_consume_latency_seconds_count{{cluster="",group="{GROUP}",topic="{TOPIC}"}} {MESSAGES - 1}.0',
        f'kafka_trace_aggregator_received_traces_total{{cluster=""}} {len(raw)}.0',
        'kafka_trace_aggregator_unaccounted_traces{cluster=""} 0.0',
        'kafka_trace_aggregator_held_traces{cluster=""} 0.0',
    ):
        assert sample in metrics
    finals = final_records(given)
    assert {kind: sums(finals, kind, counts) for kind, counts in COUNTED.items()} == COUNTED
    verdicts = [Counter(value["verdicts"]) for value in finals if value["kind"] == "topic"]
    assert sum(verdicts, Counter()) == EXPECTED
