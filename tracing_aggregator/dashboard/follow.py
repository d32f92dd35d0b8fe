"""Follows the output topics in Kafka into the store, from where the store ends."""

import logging
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, TypeVar

from pipeline.config.client_properties import to_librdkafka
from pipeline.config.load import Config
from pipeline.errors import UserError
from runners.kafka.admin import TIMEOUT_S, reason
from tracing_aggregator.dashboard.intake.ingest import Ingest, Record
from tracing_aggregator.dashboard.intake.retention import trim
from tracing_aggregator.dashboard.store import transaction

if TYPE_CHECKING:
    from confluent_kafka import Consumer, Message

_BATCH = 1000
_POLL_S = 0.5
_RETRY_S = 3.0
_STOP_S = 10.0
#: One wait for the brokers, after which `stop` is heard; the first, and the longest.
_WAIT_S = 0.5
_LONGEST_WAIT_S = 2.0
#: How often ends of partitions are asked for, and new partitions and topics looked for.
_LOOK_S = 5.0

_log = logging.getLogger(__name__)
_log.addHandler(logging.NullHandler())
_log.propagate = False

Place = tuple[str, int]
_Answer = TypeVar("_Answer")


class Follower:
    """A thread that reads the output topics, without a consumer group: the store knows how far it is.

    Args:
        config: brokers and topics.
        connection: the store's writing connection; this thread's alone from `start` to `stop`.
        since: where to start reading partitions that the store does not know yet, in ms since the epoch; None: at their
            beginning.
        keep: how many traces the store keeps.
    """

    def __init__(self, config: Config, connection: sqlite3.Connection, since: int | None, keep: int) -> None:
        self._config = config
        self._connection = connection
        self._since = since
        self._keep = keep
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="follow-topics", daemon=True)
        self._state: dict[str, Any] = {"state": "connecting"}
        self._positions: dict[Place, int] = {}

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """End, some seconds later at most; the store is whole in any case."""
        self._stopping.set()
        self._thread.join(_STOP_S)

    def status(self) -> dict[str, Any]:
        """How it goes, for the health page: `state`, `servers`, and `error` where there is one."""
        return {"servers": self._config.settings.bootstrap_servers, **self._state}

    def _run(self) -> None:
        """Read, and begin again after any failure: brokers come back, disks get space."""
        while not self._stopping.is_set():
            try:
                self._follow()
            except Exception as error:  # noqa: BLE001  whatever it is, the page says it, and we try again
                text = error.message if isinstance(error, UserError) else reason(error)
                self._state = {"state": "failed", "error": text}
                self._stopping.wait(_RETRY_S)

    def _follow(self) -> None:
        from confluent_kafka import Consumer

        properties: dict[str, Any] = to_librdkafka(self._config.consumer_properties())
        # A group is asked for, and never joined: positions are ours.
        properties |= {
            "group.id": "tracing-aggregator-dashboard",
            "enable.auto.commit": False,
            "auto.offset.reset": "earliest",
        }
        consumer = Consumer(properties, logger=_log)
        try:
            ingest = Ingest(self._connection, self._config.settings)
            self._positions = {}
            looked = -_LOOK_S
            while not self._stopping.is_set():
                if time.monotonic() - looked >= _LOOK_S:
                    looked = time.monotonic()
                    self._look(consumer, ingest)
                records = [_record(message) for message in consumer.consume(_BATCH, _POLL_S) if _is_record(message)]
                if records:
                    ingest.take(records)
                    for record in records:
                        self._positions[record.topic, record.partition] = record.offset + 1
                trim(self._connection, self._keep)
        finally:
            consumer.close()

    def _look(self, consumer: "Consumer", ingest: Ingest) -> None:
        """Follow partitions that are new, and hear where all of them end."""
        cluster = self._answer(lambda wait: consumer.list_topics(timeout=wait))
        self._is_the_same(str(cluster.cluster_id))
        there = [
            (topic, partition)
            for topic in ingest.topics
            if topic in cluster.topics
            for partition in cluster.topics[topic].partitions
        ]
        ends = dict(self._ends(consumer, there))
        new = [place for place in there if place not in self._positions]
        if new:
            self._positions |= {place: self._start(consumer, place) for place in new}
            self._assign(consumer)
        ingest.take((), ends)
        with transaction(self._connection):
            known = {"alive": str(time.time_ns() // 1_000_000), "servers": self._config.settings.bootstrap_servers}
            self._connection.executemany("INSERT OR REPLACE INTO meta VALUES (?, ?)", known.items())
        missing = [topic for topic in ingest.topics if topic not in cluster.topics]
        self._state = {"state": "following", "missing": missing}

    def _ends(self, consumer: "Consumer", places: list[Place]) -> Iterator[tuple[Place, int]]:
        for place in places:
            _, end = self._bounds(consumer, place)
            yield place, end

    def _bounds(self, consumer: "Consumer", place: Place) -> tuple[int, int]:
        """The lowest offset that is there, and the one after the highest."""
        from confluent_kafka import TopicPartition

        at = TopicPartition(*place)
        low, end = self._answer(lambda wait: consumer.get_watermark_offsets(at, timeout=wait))
        return low, end

    def _answer(self, ask: Callable[[float], _Answer]) -> _Answer:
        """What brokers answer within TIMEOUT_S. Waits for it in parts, so that `stop` ends it.

        A broker that is there and answers late is given more time with each part.
        """
        from confluent_kafka import KafkaError, KafkaException

        wait, end = min(_WAIT_S, TIMEOUT_S), time.monotonic() + TIMEOUT_S
        while True:
            try:
                return ask(wait)
            except KafkaException as error:
                if self._stopping.is_set() or time.monotonic() >= end:
                    raise
                if error.args[0].code() == KafkaError._TIMED_OUT:  # noqa: SLF001  public, by its documents
                    wait = min(2 * wait, _LONGEST_WAIT_S)
                elif error.args[0].code() != KafkaError._TRANSPORT:  # noqa: SLF001  public, by its documents
                    raise

    def _start(self, consumer: "Consumer", place: Place) -> int:
        from confluent_kafka import TopicPartition

        known = self._connection.execute(
            "SELECT next FROM partitions WHERE topic = ? AND partition = ? AND next > 0", place
        ).fetchone()
        low, end = self._bounds(consumer, place)
        if known:
            return int(min(max(known[0], low), end))
        if self._since is None:
            return low
        since = TopicPartition(*place, self._since)
        [at] = self._answer(lambda wait: consumer.offsets_for_times([since], timeout=wait))
        return end if at.offset < 0 else max(at.offset, low)

    def _assign(self, consumer: "Consumer") -> None:
        from confluent_kafka import TopicPartition

        consumer.assign([TopicPartition(*place, offset) for place, offset in self._positions.items()])

    def _is_the_same(self, cluster: str) -> None:
        """A store is of one cluster: offsets of another mean other records."""
        known = self._connection.execute("SELECT value FROM meta WHERE name = 'cluster'").fetchone()
        if known is None:
            self._connection.execute("INSERT INTO meta VALUES ('cluster', ?)", (cluster,))
        elif known[0] != cluster:
            raise UserError(
                f"The store was filled from another cluster ({known[0]}) than that at "
                f"{self._config.settings.bootstrap_servers} ({cluster}).",
                "Name another: tracing-aggregator dashboard --store FILE",
            )


def _is_record(message: "Message") -> bool:
    """Errors of partitions pass (brokers come back); those that do not pass show as lag."""
    return message.error() is None


def _record(message: "Message") -> Record:
    kind, timestamp = message.timestamp()
    place = message.topic() or "", message.partition() or 0, message.offset() or 0
    return Record(*place, timestamp if kind else None, message.value())
