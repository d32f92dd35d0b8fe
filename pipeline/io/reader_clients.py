"""The Kafka clients of this process. Readers that poll together share one: those of an instance of the read step."""

import logging
import threading
import time
from collections.abc import Callable, Collection, Mapping

from pipeline.config.client_properties import to_librdkafka
from pipeline.io.partition_consumer import PartitionConsumer
from pipeline.io.topics_to_read import Partition

#: A client that nobody polled for so long belongs to readers that are elsewhere now.
_UNUSED_S = 120.0
#: Bundles are made final together, once a checkpoint is complete; those of the next checkpoint come later than this.
_ONE_CHECKPOINT_S = 1.0
_log = logging.getLogger(__name__)


class ReaderClients:
    """See the head of this file. One for each read transform; safe for any number of threads."""

    def __init__(self, make: Callable[[], PartitionConsumer]) -> None:
        self._make = make
        self._lock = threading.Lock()
        self._clients: dict[bytes, PartitionConsumer] = {}
        self._used_s: dict[PartitionConsumer, float] = {}
        self._commits = CheckpointedOffsets()

    def of(self, reader: bytes, beside: PartitionConsumer | None, places: Collection[Partition]) -> PartitionConsumer:
        """The client of a reader of these partitions: the one that readers beside it in this bundle have.

        Without any beside it keeps its own, or gets a new one. What it leaves reads its partitions no longer.
        """
        with self._lock:
            former = self._clients.get(reader)
            client = self._clients[reader] = beside or former or self._make()
            self._used_s[client] = time.monotonic()
            self._close_unused()
        if former is not None and former is not client:
            former.drop(set(places))
        return client

    def commit(self, reader: bytes, offsets: Mapping[Partition, int]) -> None:
        """Commit next offsets, once it is sure that a complete checkpoint holds them: with the one after this."""
        with self._lock:
            client = self._clients.get(reader)
            safe = self._commits.take(offsets, time.monotonic())
        if client is None or not safe:
            return
        try:
            client.commit(safe)
        except Exception as error:  # noqa: BLE001  for lag tools only: reading goes by the state
            _log.warning("Offsets were not committed: %s", error)

    def _close_unused(self) -> None:
        limit = time.monotonic() - _UNUSED_S
        for client in [client for client, used in self._used_s.items() if used < limit]:
            del self._used_s[client]
            self._clients = {reader: each for reader, each in self._clients.items() if each is not client}
            client.close()


class CheckpointedOffsets:
    """Offsets on their way to the group.

    When a checkpoint is complete, Beam makes all bundles final that are over by then, some of which came after it. So
    what became final with one checkpoint is committed with the next (BundleFinalizationHandlers in Beam's Java SDK).
    """

    def __init__(self) -> None:
        self._final: dict[Partition, int] = {}
        self._since_s = float("-inf")

    def take(self, offsets: Mapping[Partition, int], now_s: float) -> dict[Partition, int]:
        """Take offsets that became final, and give those that became final with an earlier checkpoint."""
        safe: dict[Partition, int] = {}
        if now_s - self._since_s > _ONE_CHECKPOINT_S:
            safe, self._final, self._since_s = self._final, {}, now_s
        for partition, offset in offsets.items():
            self._final[partition] = max(offset, self._final.get(partition, 0))
        return safe


_all: dict[str, ReaderClients] = {}
_all_lock = threading.Lock()


def clients_of(transform: str, consumer: Mapping[str, str]) -> ReaderClients:
    """The clients of a read transform in this process, by an id that no other transform has.

    `consumer` are Java client properties, which may refer to secrets: those are looked up as a client is made.
    """
    with _all_lock:
        if transform not in _all:
            _all[transform] = ReaderClients(lambda: PartitionConsumer(to_librdkafka(consumer)))
        return _all[transform]
