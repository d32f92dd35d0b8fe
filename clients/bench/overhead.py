"""What tracing costs an application: messages a second with and without, on librdkafka's mock cluster in this process.

    python clients/bench/overhead.py [--messages 20000] [--runs 5]

Plain and traced runs take turns; the medians are told. The application does nothing but send or read, as fast as it
can, and the cluster, the application and its tracing share one process: a harder case than any real one.
"""

import argparse
import sys
import time
from collections.abc import Callable
from statistics import median
from typing import NamedTuple

from confluent_kafka import Consumer, Producer, TopicPartition

from tracing_clients import Stats, TracingConsumer, TracingProducer

SENT, READ = "sent", "read"
VALUE = b"x" * 100
BATCH = 500
WITHIN_S = 60
QUIET = {"log_level": 0, "tracing.close.ms": 30_000}


class Run(NamedTuple):
    """Seconds for all messages, and what became of the traces; None if there were none."""

    seconds: float
    traces: Stats | None = None


def main() -> None:
    """Measures, and prints a table to stdout."""
    parser = argparse.ArgumentParser(description="What tracing costs an application.")
    parser.add_argument("--messages", type=int, default=20_000)
    parser.add_argument("--runs", type=int, default=5)
    given = parser.parse_args()
    cluster = Producer({"bootstrap.servers": "mock", "test.mock.num.brokers": 1, "log_level": 0})
    brokers = cluster.list_topics(timeout=WITHIN_S).brokers.values()
    servers = ",".join(f"{broker.host}:{broker.port}" for broker in brokers)
    print(f"{'':10}{'plain/s':>12}{'traced/s':>12}{'us/message':>12}{'traces':>10}{'dropped':>10}")  # noqa: T201 - the result
    produce(servers, given.messages, READ, is_traced=False)
    for name, measure in (("produce", produce), ("consume", consume)):
        tell(
            name, [measure(servers, given.messages, is_traced=bool(turn % 2)) for turn in range(2 * given.runs)], given
        )
    sys.stdout.flush()
    cluster.flush(0)


def tell(name: str, runs: list[Run], given: argparse.Namespace) -> None:
    """One row: medians of the plain and of the traced runs, which took turns."""
    plain, traced = (median(run.seconds for run in runs[first::2]) for first in (0, 1))
    stats = [run.traces for run in runs if run.traces]
    count = given.messages
    cost = (traced - plain) / count * 1e6
    added, dropped = sum(one.added for one in stats), sum(one.dropped for one in stats)
    print(f"{name:10}{count / plain:12,.0f}{count / traced:12,.0f}{cost:12.1f}{added:10,}{dropped:10,}")  # noqa: T201


def produce(servers: str, count: int, topic: str = SENT, *, is_traced: bool) -> Run:
    """Send so many messages and wait for their acknowledgement."""
    own = {"bootstrap.servers": servers, "queue.buffering.max.messages": count}
    producer = TracingProducer(QUIET | own) if is_traced else Producer({"log_level": 0} | own)

    def work() -> None:
        for _ in range(count):
            producer.produce(topic, VALUE, partition=0)
            producer.poll(0)
        producer.flush(WITHIN_S)

    return timed(work, producer)


def consume(servers: str, count: int, *, is_traced: bool) -> Run:
    """Read so many messages in batches. The mock cluster keeps 5 MB of a partition: more cannot be read."""
    own = {"bootstrap.servers": servers, "group.id": "bench", "enable.auto.commit": False}
    consumer = TracingConsumer(QUIET | own) if is_traced else Consumer({"log_level": 0} | own)
    consumer.assign([TopicPartition(READ, 0, 0)])
    consumer.consume(1, WITHIN_S)  # connected

    def work() -> None:
        left = count - 1
        deadline = time.monotonic() + WITHIN_S
        while left > 0 and time.monotonic() < deadline:
            left -= len(consumer.consume(min(BATCH, left), 1))

    return timed(work, consumer)


def timed(work: Callable[[], None], client: Producer | Consumer) -> Run:
    """Run it, then close the client; closing is not timed."""
    began = time.perf_counter()
    work()
    seconds = time.perf_counter() - began
    client.close()
    traced = isinstance(client, TracingProducer | TracingConsumer)
    return Run(seconds, client.tracing.stats() if traced else None)  # type: ignore[union-attr]


if __name__ == "__main__":
    main()
