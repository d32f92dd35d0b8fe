"""For tests of restores: messages that are open in every way when the state is saved, and what completes them."""

import json
from pathlib import Path
from typing import Any

from confluent_kafka import Producer
from confluent_kafka.admin import AdminClient, NewTopic

from tests.integration.aggregations import FINDINGS, LETTERS, TRACES

#: Longer than anyone keeps a savepoint: what is open stays open, whatever the clock says when it is restored.
TEN_YEARS = str(10 * 365 * 86_400_000)
HOLDS = dict.fromkeys(("hold.send.ms", "hold.ack.ms", "hold.consume.ms", "hold.commit.ms", "retention.ms"), TEN_YEARS)
SAVING = {**HOLDS, "unacked.ms": TEN_YEARS, "uncommitted.ms": TEN_YEARS, "unconsumed.ms": "1000", "workers": "1"}
#: Each setting that changes the graph, other parallelism and workers: nothing of that may hide any state.
CHANGED = {
    "trace.pathways": "true",
    "trace.topics": "payments",
    "topics.include": "(orders|payments)",
    "sla.ms": "*/*=500",
    "commit.mode": "exact",
    "flink.parallelism": "4",
    "workers": "2",
}
DAY = "2025-01-01T00:00:"
TIMESTAMP_MS = 1_735_689_600_000
TOPIC, GROUP = "orders", "billing"
STEPS = ("SEND", "ACK", "CONSUME", "COMMIT")
#: By partition: which traces of the message at offset 0 are there before. Each partition is a story of its own.
BEFORE = [
    {"SEND"},
    {"SEND", "ACK"},
    {"ACK"},
    {"CONSUME"},
    {"SEND", "ACK", "CONSUME"},
    {"SEND", "ACK", "COMMIT"},
    {"ACK", "CONSUME", "COMMIT"},
]
UNACKED, ACKED_LATE, SKIPPED = len(BEFORE), len(BEFORE) + 1, len(BEFORE) + 2
"""Partitions: no ACK ever comes; one comes after the restore; offset 1 was found unconsumed, and is read after that."""


def trace(partition: int, offset: int, step: str) -> dict[str, Any]:
    """The trace of this step of a message; its id says which it is."""
    client = "shop" if step in {"SEND", "ACK"} else "reader"
    value = {"id": f"{partition}-{offset}-{step}", "type": step, "topic": TOPIC, "clientId": client}
    value["date"] = f"{DAY}{offset * 5 + STEPS.index(step):02d}Z"
    if step != "SEND":
        value |= {"partition": partition, "offset": offset}
    if step in {"SEND", "CONSUME"}:
        value["correlationId"] = f"message-{partition}-{offset}"
    if client == "reader":
        value["groupId"] = GROUP
    return value


def before() -> list[dict[str, Any]]:
    """What was there when the state was saved."""
    found = [trace(partition, 0, step) for partition, known in enumerate(BEFORE) for step in STEPS if step in known]
    found += [trace(partition, 0, step) for partition in (UNACKED, ACKED_LATE) for step in STEPS if step != "ACK"]
    # A group is only known to skip a message if it read one below it.
    found += [trace(SKIPPED, offset, step) for offset in (0, 2) for step in STEPS]
    return [*found, trace(SKIPPED, 1, "SEND"), trace(SKIPPED, 1, "ACK")]


def after() -> list[dict[str, Any]]:
    """What comes after the restore."""
    found = [trace(partition, 0, step) for partition, known in enumerate(BEFORE) for step in STEPS if step not in known]
    # Whatever touches a block has it judged again.
    found += [trace(UNACKED, 1, step) for step in STEPS]
    found += [trace(ACKED_LATE, 0, "ACK"), trace(SKIPPED, 1, "CONSUME")]
    return found


def completed() -> set[str]:
    """Ids of traces whose last record can only be written after the restore, from what was there and what came."""
    ids = {f"{partition}-0-{step}" for partition in range(len(BEFORE)) for step in STEPS}
    skipped = {f"{SKIPPED}-1-{step}" for step in STEPS if step != "COMMIT"}
    # Their partners were there before.
    whole = {"4-0-SEND", "4-0-ACK", "4-0-CONSUME", "6-0-COMMIT"}
    return ids - whole | skipped | {f"{ACKED_LATE}-0-ACK", f"{SKIPPED}-2-COMMIT:1"}


def produce(servers: str, topic: str, traces: list[dict[str, Any]]) -> None:
    producer = Producer({"bootstrap.servers": servers})
    for value in traces:
        producer.produce(topic, json.dumps(value), timestamp=TIMESTAMP_MS)
    assert producer.flush(30) == 0


def create_topics(servers: str, given: dict[str, str]) -> None:
    """All of a run; old timestamps must not have the broker delete anything."""
    topics = [given[name] for name in ("tracing.topic", "stats.topic", TRACES, FINDINGS, LETTERS)]
    made = [NewTopic(topic, 1, 1, config={"retention.ms": "-1"}) for topic in topics]
    admin = AdminClient({"bootstrap.servers": servers})
    for created in admin.create_topics(made).values():
        created.result(30)


def settings(servers: str, name: str, folder: Path, more: dict[str, str]) -> dict[str, str]:
    topics = {topic: f"{name}-{topic}" for topic in ("tracing.topic", "stats.topic", TRACES, FINDINGS, LETTERS)}
    identity = {"bootstrap.servers": servers, "application.id": name, "state.dir": str(folder / "state")}
    return {**identity, **topics, "metrics.port": "0", "stats.interval.ms": "1000", **more}
