"""Kills everything at random moments while traces flow, and counts what came out: `python -m bench.kills`.

Sixty-four partitions, checkpoints every two seconds. Each kill is SIGKILL to the run and to every process below it; the
next run resumes from the newest snapshot. In the end each id must be out, and each trace joined with its partners.
"""

import logging
import os
import random
import signal
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

import click
import orjson
from confluent_kafka import Consumer, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic

from bench.aggregator import DESIGN, Aggregator
from bench.generate import SECOND, Traffic
from bench.preload import Loader, paced
from runners.kafka.broker import Broker

TRACING, OUTPUT = "_tracing", "_aggregatedTrace"
PARTITIONS = 64
SETTINGS = {"checkpoint.interval.ms": "2000", "metrics.port": "0", "hold.consume.ms": "600000"}
#: How long a run lives after it began to process.
LIVES_S = (1.0, 8.0)
REST_S = 300
JOINED = {"SEND": "offset", "ACK": "durationMs", "CONSUME": "durationMs", "COMMIT": "correlationId"}


class Kills(NamedTuple):
    """What came of it: ids written and ids that came out joined, and records beyond one per id."""

    times: int
    traces: int
    joined: int
    twice: int


def measure(times: int, rate: int, seconds: int, say: Callable[[str], None], seed: int = 1) -> Kills:
    """So many kills within traffic of `rate` traces/s for `seconds`."""
    chance = random.Random(seed)  # noqa: S311  repeatable, not secret
    with TemporaryDirectory(prefix="tracing-aggregator-kills-", ignore_cleanup_errors=True) as folder:
        place = Path(folder)
        with Broker(place / "broker") as broker:
            _topics(broker.bootstrap_servers)
            traffic = Traffic(rate * seconds // 4, time.time_ns() + SECOND, 4 * SECOND // rate, partitions=16)
            writer = threading.Thread(target=_write, args=(broker.bootstrap_servers, traffic), daemon=True)
            writer.start()
            settings = {
                "bootstrap.servers": broker.bootstrap_servers,
                "application.id": "kills",
                "state.dir": str(place / "state"),
                **SETTINGS,
            }
            for number in range(times):
                with Aggregator(DESIGN, settings, place) as run:
                    run.wait_until_running()
                    time.sleep(chance.uniform(*LIVES_S))
                    for pid in run.tree.alive():
                        with suppress(ProcessLookupError):
                            os.kill(pid, signal.SIGKILL)
                say(f"Killed {number + 1} of {times} times.")
            writer.join()
            with Aggregator(DESIGN, settings, place) as run:
                run.wait_until_running()
                expected = traffic.outputs
                run.wait_until(lambda: len(_joined(broker.bootstrap_servers)[0]) >= expected, REST_S)
            joined, records = _joined(broker.bootstrap_servers)
    return Kills(times, expected, len(joined), records - len(joined))


def _topics(servers: str) -> None:
    by_broker = {"message.timestamp.type": "LogAppendTime"}
    topics = [NewTopic(TRACING, PARTITIONS, 1, config=by_broker)]
    topics += [NewTopic(name, 4, 1) for name in (OUTPUT, "_traceAnomaly", "_traceStats", "_traceDeadLetter")]
    admin = AdminClient({"bootstrap.servers": servers})  # it must outlive its answers
    for created in admin.create_topics(topics).values():
        created.result(60)


def _write(servers: str, traffic: Traffic) -> None:
    loader = Loader(servers, TRACING)
    for trace in paced(traffic.traces()):
        loader.produce(trace)
    loader.flush()


def _joined(servers: str) -> tuple[set[str], int]:
    """Ids of the traces that have what a partner gives, and how many records there are of them."""
    consumer = Consumer({"bootstrap.servers": servers, "group.id": "look", "enable.partition.eof": True})
    consumer.assign([TopicPartition(OUTPUT, number, 0) for number in range(4)])
    ids, records, ends = set(), 0, 0
    while ends < 4:  # noqa: PLR2004  the partitions
        for message in consumer.consume(10_000, 5):
            if message.error():
                ends += 1
                continue
            value = orjson.loads(message.value() or b"{}")
            if JOINED[value["type"]] in value:
                records += 1
                ids.add(value["id"])
    consumer.close()
    return ids, records


@click.command(context_settings={"help_option_names": ["-h", "--help"], "show_default": True})
@click.option("--times", type=click.IntRange(min=1), default=10, help="How often everything is killed.")
@click.option("--rate", type=click.IntRange(min=4), default=1000, help="Traces a second.")
@click.option("--seconds", type=click.IntRange(min=10), default=150, help="How long they flow.")
@click.option("--seed", type=int, default=1, help="Of the moments at which it is killed.")
def main(times: int, rate: int, seconds: int, seed: int) -> None:
    """Kill the run and all below it, again and again, and see that nothing is lost."""
    logging.getLogger().setLevel(logging.ERROR)
    kills = measure(times, rate, seconds, lambda line: click.echo(line, err=True), seed)
    click.echo(f"{kills.times} kills: {kills.joined} of {kills.traces} traces joined, {kills.twice} records twice.")
    sys.exit(kills.joined != kills.traces)


if __name__ == "__main__":
    main()
