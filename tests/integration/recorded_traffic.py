"""For tests: traffic of real clients with real interceptors, once, and what the clients themselves say they did."""

import json
import time
from pathlib import Path
from typing import NamedTuple

from tests.integration.flink_processes import records, wait_until
from tests.integration.java_clients import Clients, Committed, Consumed, Produced

ORDERS, UNREAD, SILENT = "orders", "unread", "silent"
MESSAGES = 220  # of each of two producers
RATE = 40
# Kafka's verifiable producer would give up at the first hitch of a new topic.
PATIENT = {"retries": "1000"}
# The one that crashes commits so late that the next of its group gets all it had again.
CRASHING = {"auto.commit.interval.ms": "3600000", "session.timeout.ms": "6000", "heartbeat.interval.ms": "1000"}


class Recorded(NamedTuple):
    """`produced` by topic; of the group `audit` (orderly) all that its consumers got and committed; of the group
    `billing` (one crashed) what its last consumer got."""

    servers: str
    produced: dict[str, list[Produced]]
    audit_consumed: list[Consumed]
    audit_committed: list[Committed]
    billing_consumed: list[Consumed]
    ended: float

    def positions(self, topic: str) -> set[tuple[str, int, int]]:
        return {message[:3] for message in self.produced[topic]}


def record(servers: str, folder: Path) -> Recorded:
    """Two producers write; in mid-run a consumer of `audit` leaves and another comes, and one of `billing` crashes."""
    with Clients(servers, folder) as clients:
        billing = [
            clients.consumer(f"billing-{n}", ORDERS, "billing", auto_commit=True, properties=CRASHING) for n in (1, 2)
        ]
        audit = [clients.consumer("audit-1", ORDERS, "audit")]
        for consumer in (*billing, *audit):
            consumer.wait_for(0)
        shops = [
            clients.producer(f"shop-{n}", ORDERS, rate=RATE, count=MESSAGES, keys=20, properties=PATIENT)
            for n in (1, 2)
        ]

        billing[0].wait_for(60)
        billing[0].kill()
        audit[0].wait_for(100)
        audit[0].stop()
        audit.append(clients.consumer("audit-2", ORDERS, "audit"))
        for shop in shops:
            shop.wait()
        lonely = {
            topic: clients.producer(f"{topic}-shop", topic, count=20, properties=PATIENT) for topic in (UNREAD, SILENT)
        }
        for shop in lonely.values():
            shop.wait()

        produced = {ORDERS: [message for shop in shops for message in shop.produced()]}
        produced |= {topic: shop.produced() for topic, shop in lonely.items()}
        everything = {message[:3] for message in produced[ORDERS]}
        wait_until(lambda: {tuple(one) for each in audit for one in each.consumed()} == everything, 60)
        wait_until(lambda: {tuple(one) for one in billing[1].consumed()} == everything, 60)
        for consumer in (billing[1], audit[1]):
            consumer.stop()
        return Recorded(
            servers,
            produced,
            [one for each in audit for one in each.consumed()],
            [one for each in audit for one in each.committed()],
            billing[1].consumed(),
            time.time(),
        )


def dump(servers: str, topic: str, file: Path) -> Path:
    """All of a topic as `kcat -J` writes it."""
    with file.open("w") as out:
        for found in records(servers, topic):
            headers = [text for name, value in found.headers() or () for text in (name, value.decode())]
            envelope = {
                "topic": topic,
                "partition": found.partition(),
                "offset": found.offset(),
                "ts": found.timestamp()[1],
                "headers": headers,
                "key": found.key() and found.key().decode(),
                "payload": found.value() and found.value().decode(),
            }
            out.write(json.dumps(envelope) + "\n")
    return file
