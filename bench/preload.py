"""Brings generated traces to where a runner reads them: a topic, or a file in the envelope of `kcat -J`."""

import threading
import time
from collections.abc import Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import Self

import orjson
from confluent_kafka import Consumer, KafkaError, KafkaException, Message, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic

from bench.generate import MS, RawTrace

TIMEOUT_S = 60
POLL_S = 0.1
PARTITIONS = 4


class LoadError(Exception):
    """The broker did not take what was produced."""


def create_topics(servers: str, tracing: str | None, outputs: Iterable[str], partitions: int = PARTITIONS) -> None:
    """A tracing topic, if any, with the broker's time, as `tracing-aggregator topics` makes it; and output topics."""
    with_time = {"message.timestamp.type": "LogAppendTime"}
    wanted = [NewTopic(tracing, partitions, 1, config=with_time)] if tracing else []
    wanted += [NewTopic(name, PARTITIONS, 1) for name in outputs]
    admin = AdminClient({"bootstrap.servers": servers})  # it must outlive its answers
    for future in admin.create_topics(wanted).values():
        future.result(TIMEOUT_S)
    _wait_until_led(servers, [topic.topic for topic in wanted])


def _wait_until_led(servers: str, topics: Iterable[str]) -> None:
    """The broker answers for a new topic a moment later than it creates it."""
    deadline = time.monotonic() + TIMEOUT_S
    consumer = Consumer({"bootstrap.servers": servers, "group.id": "bench"})
    places = [TopicPartition(topic, partition) for topic in topics for partition in range(PARTITIONS)]
    while places:
        try:
            consumer.get_watermark_offsets(places[-1], TIMEOUT_S)
            places.pop()
        except KafkaException:
            if time.monotonic() > deadline:
                raise
            time.sleep(POLL_S)
    consumer.close()


def preload(servers: str, topic: str, traces: Iterable[RawTrace]) -> int:
    """Produces all traces as fast as the broker takes them; returns how many."""
    loader = Loader(servers, topic)
    for trace in traces:
        loader.produce(trace)
    loader.flush()
    return loader.produced


class Loader:
    """A producer like those of the interceptors: partitions by Java's hash of the key, waits 5 ms for more."""

    def __init__(self, servers: str, topic: str) -> None:
        self.produced = 0
        self._topic = topic
        self._failures: list[str] = []
        self._producer = Producer(
            {
                "bootstrap.servers": servers,
                "linger.ms": 5,
                "partitioner": "murmur2_random",
                "queue.buffering.max.messages": 200_000,
                # A method of ours would keep us and the producer alive for each other.
                "on_delivery": partial(_note_failure, self._failures),
            }
        )

    def produce(self, trace: RawTrace) -> None:
        """Raises LoadError when an earlier one failed."""
        while True:
            try:
                self._producer.produce(self._topic, trace.value, trace.key)
            except BufferError:  # the queue is full: let it drain
                self._producer.poll(1.0)
            else:
                break
        self.produced += 1
        self._producer.poll(0)
        self._check()

    def flush(self) -> None:
        """Returns when the broker has everything; raises LoadError when it has not."""
        if left := self._producer.flush(TIMEOUT_S):
            self._failures.append(f"{left} records were not taken within {TIMEOUT_S} s")
        self._check()

    def _check(self) -> None:
        if self._failures:
            raise LoadError(f"{self._topic} was not loaded: {self._failures[0]}")


class Feeder:
    """Produces each trace when its date has come, from a thread. Leaving the block waits for the last one."""

    def __init__(self, servers: str, topic: str, traces: Iterable[RawTrace]) -> None:
        self._loader = Loader(servers, topic)
        self._traces = traces
        self._error: Exception | None = None
        self._thread = threading.Thread(target=self._run, name="feeder", daemon=True)

    @property
    def produced(self) -> int:
        """How many so far."""
        return self._loader.produced

    def is_over(self, within_s: float) -> bool:
        """Whether everything is produced `within_s` from now; returns as soon as it is. Raises what went wrong."""
        self._thread.join(within_s)
        if self._error:
            raise self._error
        return not self._thread.is_alive()

    def _run(self) -> None:
        try:
            for trace in _paced(self._traces):
                self._loader.produce(trace)
            self._loader.flush()
        except Exception as error:  # noqa: BLE001  the one who waits must know
            self._error = error

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is None:
            self._thread.join()
            self.is_over(0)


def _paced(traces: Iterable[RawTrace]) -> Iterator[RawTrace]:
    for trace in traces:
        wait = trace.date / 1e9 - time.time()
        if wait > 0:
            time.sleep(wait)
        yield trace


def _note_failure(failures: list[str], error: KafkaError | None, _: Message) -> None:
    if error is not None:
        failures.append(error.str())


def write_file(path: Path, topic: str, traces: Iterable[RawTrace]) -> int:
    """One line a trace, with its date as the record's time; returns how many."""
    number = 0
    with path.open("wb") as file:
        for number, trace in enumerate(traces, start=1):
            envelope = {
                "topic": topic,
                "partition": number % PARTITIONS,
                "offset": number // PARTITIONS,
                "tstype": "create",
                "ts": trace.date // MS,
                "key": trace.key.decode(),
                "payload": trace.value.decode(),
            }
            file.write(orjson.dumps(envelope, option=orjson.OPT_APPEND_NEWLINE))
    return number
