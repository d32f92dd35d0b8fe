"""One Kafka client for many partitions, each read from the offset that the caller expects next.

    align(expected) ─ poll(wait) ─ take(partition) ─ … ─ close()

A poll blocks until something is there, then gathers what comes within some ms: latency where there is little, large
batches where there is much. What lies in memory is bounded: `queued.max.messages.kbytes` in librdkafka, and one poll.
"""

import functools
import logging
import threading
import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar, cast

from pipeline.errors import UserError
from pipeline.io.topics_to_read import Partition

if TYPE_CHECKING:
    from confluent_kafka import KafkaError, Message, TopicPartition

#: Records and bytes that end a poll; what is there already when the bytes are reached comes on top.
POLL_RECORDS = 10_000
POLL_BYTES = 8 << 20
GATHER_S = 0.005
_CHUNK = 1_000
_ASK_S = 15.0
#: After an error nobody knows whether a partition is still read to its end; while it lasts the error comes again.
_DOUBT_S = 15.0

_PROPERTIES: dict[str, str | int | bool] = {
    # What is read ahead of the pipeline, in kB: some 60,000 traces.
    "queued.max.messages.kbytes": 16_384,
    # Fetch on as soon as there is room again; the default waits for a second.
    "fetch.queue.backoff.ms": 10,
    # Retention that overtook us is told, never passed over.
    "auto.offset.reset": "error",
    "enable.auto.commit": False,
    "enable.auto.offset.store": False,
    "enable.partition.eof": True,
}
_log = logging.getLogger(__name__)
F = TypeVar("F", bound=Callable[..., Any])


class Skipped(NamedTuple):
    """Records that can no longer be read: `expected` was the next offset, reading goes on at `resumed`.

    `resumed` is the lower one where the partition was made anew.
    """

    topic: str
    partition: int
    expected: int
    resumed: int


def _locked(method: F) -> F:
    """A reader that moves to another client gives up its partitions in this one, which another thread may be using."""

    @functools.wraps(method)
    def alone(self: "PartitionConsumer", *args: Any) -> Any:
        with self._lock:
            return method(self, *args)

    return cast("F", alone)


class PartitionConsumer:
    """See the head of this file. For any number of threads, one at a time.

    `properties` are librdkafka's; `auto.offset.reset` among them says where a partition without an offset begins.
    """

    def __init__(self, properties: Mapping[str, str], clock: Callable[[], float] = time.time) -> None:
        from confluent_kafka import Consumer

        self._reset = properties.get("auto.offset.reset", "earliest")
        own = {name: value for name, value in _PROPERTIES.items() if name not in properties or name in _FIXED}
        self._consumer: Consumer = Consumer({**properties, **own, "error_cb": self._on_error, "logger": _log})
        self._clock = clock
        self._lock = threading.RLock()
        self._doubt_until_s = 0.0
        self._doubts_until_s: dict[Partition, float] = {}
        self._expected: dict[Partition, int] = {}
        self._polled: dict[Partition, int] = {}
        self._messages: dict[Partition, list[Message]] = {}
        self._ends: set[Partition] = set()
        self._out_of_range: set[Partition] = set()
        self.skipped: list[Skipped] = []
        self.has_more = False
        #: When the last poll ended, in ms of the clock: `is_at_end` is true of that time.
        self.polled_ms = 0
        #: What those who share the client remember together, in seconds of their clock.
        self.told_offsets_s = self.ask_again_s = 0.0

    def start_offsets(self, partitions: list[Partition], *, is_first_look: bool) -> dict[Partition, int]:
        """Where to begin: at the committed offset of the group, else where `auto.offset.reset` says.

        What came into being while we read is read from its beginning. Raises `KafkaException` when the brokers do not
        say, `UserError` where there is no offset and `auto.offset.reset` is `none`.
        """
        for topic in {topic for topic, _ in partitions}:
            # librdkafka looks for partitions every five minutes by itself.
            self._consumer.list_topics(topic, timeout=_ASK_S)
        committed: dict[Partition, int] = {}
        if is_first_look:
            answer = self._consumer.committed([_place(each) for each in partitions], timeout=_ASK_S)
            committed = {(each.topic, each.partition): each.offset for each in answer if each.offset >= 0}
        return {
            each: committed[each] if each in committed else self._reset_offset(each, is_first_look=is_first_look)
            for each in partitions
        }

    @_locked
    def align(self, expected: Mapping[Partition, int]) -> None:
        """Make sure that the next record taken from each of these partitions is the one at this offset, or after it."""
        astray = {each: offset for each, offset in expected.items() if self._expected.get(each) != offset}
        if not astray:
            return
        for each, offset in astray.items():
            self._expected[each] = self._polled[each] = offset
            self._messages[each] = []
        self._ends -= astray.keys()
        self._assign()

    @_locked
    def drop(self, partitions: set[Partition]) -> None:
        """Read these no longer."""
        gone = partitions & self._expected.keys()
        for each in gone:
            del self._expected[each], self._polled[each], self._messages[each]
        self._ends -= gone
        if gone:
            self._assign()

    @_locked
    def poll(self, wait_s: float) -> None:
        """Wait for records at most so long, then gather what comes."""
        self.has_more = False
        self._reset_positions()
        deadline = time.monotonic() + wait_s
        while (message := self._consumer.poll(max(0.0, deadline - time.monotonic()))) is not None:
            if self._keep(message):
                self._gather()
                break
        self.polled_ms = int(self._clock() * 1000)

    @_locked
    def take(self, partition: Partition) -> "tuple[list[Message], int]":
        """What was polled of a partition, and its next offset: transaction markers and compacted records leave gaps."""
        messages, self._messages[partition] = self._messages[partition], []
        self._expected[partition] = self._polled[partition]
        return messages, self._polled[partition]

    @property
    def has_messages(self) -> bool:
        """Whether something that was polled waits to be taken."""
        return any(self._messages.values())

    def is_at_end(self, partition: Partition) -> bool:
        """Whether the whole partition was polled, for all that the brokers say."""
        doubt_s = max(self._doubt_until_s, self._doubts_until_s.get(partition, 0.0))
        return partition in self._ends and self._clock() >= doubt_s

    def bounds(self, partition: Partition) -> tuple[int, int]:
        """The oldest offset that the brokers still have, and the end (the offset of the next record)."""
        return self._consumer.get_watermark_offsets(_place(partition), timeout=_ASK_S)

    def commit(self, offsets: Mapping[Partition, int]) -> None:
        """Commit next offsets to the group, for lag tools; a failure is only logged."""
        self._consumer.commit(offsets=[_place(each, offset) for each, offset in offsets.items()], asynchronous=True)

    def close(self) -> None:
        """Leave the brokers."""
        self._consumer.close()

    def _gather(self) -> None:
        records, size = 1, 0
        while records < POLL_RECORDS and size < POLL_BYTES:
            chunk = self._consumer.consume(_CHUNK, GATHER_S)
            for message in chunk:
                if self._keep(message):
                    records += 1
                    size += len(message)
            if len(chunk) < _CHUNK:
                return
        self.has_more = True

    def _keep(self, message: "Message") -> bool:
        """Whether it is a record that somebody waits for."""
        partition = (cast("str", message.topic()), cast("int", message.partition()))
        if (error := message.error()) is not None:
            self._take_error(partition, cast("int", message.offset()), error)
            return False
        messages = self._messages.get(partition)
        if messages is None:
            return False
        messages.append(message)
        self._polled[partition] = cast("int", message.offset()) + 1
        self._ends.discard(partition)
        return True

    def _take_error(self, partition: Partition, offset: int, error: "KafkaError") -> None:
        from confluent_kafka import KafkaError, KafkaException

        if partition not in self._expected:
            return
        if error.code() == KafkaError._PARTITION_EOF:  # noqa: SLF001  its public name
            self._ends.add(partition)
            self._polled[partition] = max(self._polled[partition], offset)
        elif error.code() == KafkaError._AUTO_OFFSET_RESET:  # noqa: SLF001  the same
            self._out_of_range.add(partition)
        elif error.fatal():
            raise KafkaException(error)
        else:
            self._doubts_until_s[partition] = self._clock() + _DOUBT_S
            _log.warning("%s/%d cannot be read at the moment: %s", *partition, error.str())

    def _reset_positions(self) -> None:
        """Go on reading where the brokers no longer have what comes next; where they do not answer, try again later."""
        from confluent_kafka import KafkaException

        for partition in sorted(self._out_of_range & self._expected.keys()):
            try:
                resumed = self._reset_offset(partition, is_first_look=True)
            except KafkaException as error:
                _log.warning("%s/%d: its offsets cannot be read at the moment: %s", *partition, error)
                continue
            self.skipped.append(Skipped(*partition, self._polled[partition], resumed))
            self._polled[partition] = resumed
            self._out_of_range.discard(partition)
            self._assign()

    def _reset_offset(self, partition: Partition, *, is_first_look: bool) -> int:
        low, high = self.bounds(partition)
        if is_first_look and self._reset in {"error", "none"}:
            raise UserError(
                f"{partition[0]}/{partition[1]} has no offset to go on from, and auto.offset.reset is none.",
                "Set auto.offset.reset to earliest or latest.",
            )
        return high if is_first_look and self._reset in {"latest", "largest", "end"} else low

    def _assign(self) -> None:
        self._consumer.assign([_place(each, offset) for each, offset in self._polled.items()])

    def _on_error(self, error: "KafkaError") -> None:
        """Errors of connections: librdkafka goes on trying."""
        self._doubt_until_s = self._clock() + _DOUBT_S
        _log.warning("Kafka: %s", error.str())


#: What is not for the user to decide.
_FIXED = {"auto.offset.reset", "enable.auto.commit", "enable.auto.offset.store", "enable.partition.eof"}


def _place(partition: Partition, offset: int | None = None) -> "TopicPartition":
    from confluent_kafka import TopicPartition

    return TopicPartition(*partition) if offset is None else TopicPartition(*partition, offset)
