"""Follows the output topics in Kafka into the store, from where the store ends."""

import sqlite3
import threading
import time
from collections.abc import Callable
from functools import partial
from typing import Any, TypeVar

from pipeline.config.load import Config
from pipeline.errors import UserError
from runners.kafka.admin import TIMEOUT_S, reason
from runners.kafka.topic_tail import Place, TopicTail
from tracing_aggregator.dashboard.intake.ingest import Ingest
from tracing_aggregator.dashboard.intake.retention import trim
from tracing_aggregator.dashboard.store import transaction

_POLL_S = 0.5
_RETRY_S = 3.0
_STOP_S = 10.0
#: One wait for the brokers, after which `stop` is heard; the first, and the longest.
_WAIT_S = 0.5
_LONGEST_WAIT_S = 2.0
#: How often ends of partitions are asked for, and new partitions and topics looked for.
_LOOK_S = 5.0

_Answer = TypeVar("_Answer")


class TopicFollower:
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

    def start(self) -> None:
        """Start the thread that reads the output topics."""
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
        with TopicTail(self._config) as tail:
            ingest = Ingest(self._connection, self._config.settings)
            looked = -_LOOK_S
            while not self._stopping.is_set():
                if time.monotonic() - looked >= _LOOK_S:
                    looked = time.monotonic()
                    self._look(tail, ingest)
                # Errors of partitions pass; those that do not pass show as lag.
                if records := tail.records(_POLL_S):
                    ingest.take(records)
                trim(self._connection, self._keep)

    def _look(self, tail: TopicTail, ingest: Ingest) -> None:
        """Follow partitions that are new, and hear where all of them end."""
        cluster = self._answer(tail.metadata)
        self._is_the_same(str(cluster.cluster_id))
        there = tail.places(ingest.topics, cluster)
        ends = {place: self._answer(partial(tail.bounds, place))[1] for place in there}
        if new := {place: self._start(tail, place) for place in there if place not in tail.positions}:
            tail.assign(tail.positions | new)
        ingest.take((), ends)
        with transaction(self._connection):
            known = {"alive": str(time.time_ns() // 1_000_000), "servers": self._config.settings.bootstrap_servers}
            self._connection.executemany("INSERT OR REPLACE INTO meta VALUES (?, ?)", known.items())
        missing = [topic for topic in ingest.topics if topic not in cluster.topics]
        self._state = {"state": "following", "missing": missing}

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

    def _start(self, tail: TopicTail, place: Place) -> int:
        known = self._connection.execute(
            "SELECT next FROM partitions WHERE topic = ? AND partition = ? AND next > 0", place
        ).fetchone()
        low, end = self._answer(partial(tail.bounds, place))
        if known:
            return int(min(max(known[0], low), end))
        if self._since is None:
            return low
        return max(self._answer(partial(tail.at_time, place, self._since)), low)

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
