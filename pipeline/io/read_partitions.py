"""ReadPartitions: reads Kafka in batches, in a loop that a timer of processing time keeps going.

In: `(reader, listing)` from ListPartitions. Out: a `RecordBatch` for each partition with news, of the tracing topic on
the main output, of business topics (headers only) on `messages`, of `__consumer_offsets` on `commits`; an
`ObservedBatch` for each observed one on `observed`; a finding for records that can no longer be read on `findings`;
next offsets, now and then, on `offsets`. State: the next offset of each partition; a restore goes on there.
Watermark: what the partitions promise (event_time.py) holds it, by the timer.
"""

import logging
import time
from collections.abc import Callable, Iterator, Mapping, MutableMapping
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

import apache_beam as beam
from apache_beam import pvalue
from apache_beam.coders import BytesCoder
from apache_beam.transforms.timeutil import TimeDomain
from apache_beam.transforms.userstate import ReadModifyWriteStateSpec, TimerSpec, on_timer
from msgspec import msgpack

from pipeline.io.event_time import BROKER_MARGIN_MS, Pace, promised
from pipeline.io.hold import set_with_hold
from pipeline.io.message_batches import LOG_APPEND_TIME, Polled, batches
from pipeline.io.partition_consumer import PartitionConsumer, Skipped
from pipeline.io.reader_clients import ReaderClients, clients_of
from pipeline.io.reader_state import BEGINNING, GROUPS_OFFSET, Progress, encode, listing_of, merged, state_of
from transforms.findings.findings import INPUT_LOST, Finding, finding
from transforms.observe.consumer_offsets import CONSUMER_OFFSETS
from transforms.state import counters

if TYPE_CHECKING:
    from confluent_kafka import Message

FINDINGS, OFFSETS = "findings", "offsets"
#: How long a poll waits for the first record. Checkpoints wait for it too.
_WAIT_S = 0.3
#: How often a reader asks again for offsets that the brokers did not tell.
_RETRY_S = 1.0
_OFFSETS_EVERY_S = 5.0
_log = logging.getLogger(__name__)


class ReadPartitions(beam.DoFn):
    """See the head of this file.

    `consumer` are Java client properties, which may refer to secrets: those are looked up where they are used.
    `identity` is this transform's own. With CreateTime a record comes at most `max_delay_ms` late.
    """

    STATE = ReadModifyWriteStateSpec("partitions", BytesCoder())
    POLL = TimerSpec("poll", TimeDomain.REAL_TIME)

    def __init__(
        self,
        identity: str,
        consumer: Mapping[str, str],
        *,
        bundle_s: float,
        max_delay_ms: int,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._identity = identity
        self._consumer = dict(consumer)
        self._bundle_s = bundle_s
        self._max_delay_ms = max_delay_ms
        self._clock = clock
        self._bundle = _Bundle(0.0)
        self._paces: MutableMapping[PartitionConsumer, Pace] = {}

    def setup(self) -> None:
        """What cannot be sent to a worker."""
        self._paces = WeakKeyDictionary()

    def start_bundle(self) -> None:
        """The readers of a bundle poll together, once."""
        self._bundle = _Bundle(self._clock())

    def process(
        self,
        element: tuple[bytes, bytes],
        state: Any = beam.DoFn.StateParam(STATE),
        timer: Any = beam.DoFn.TimerParam(POLL),
    ) -> None:
        """Take a listing; the first one begins the loop."""
        known = state.read()
        state.write(encode(merged(None if known is None else state_of(known), listing_of(element[1]))))
        if known is None:
            set_with_hold(timer, 0, self._clock())

    @on_timer(POLL)
    def on_poll(
        self,
        reader: bytes = beam.DoFn.KeyParam,
        state: Any = beam.DoFn.StateParam(STATE),
        timer: Any = beam.DoFn.TimerParam(POLL),
    ) -> Iterator[Any]:
        """One round: poll, emit what there is of this reader, remember how far it came, set the next round."""
        partitions = state_of(state.read())
        places = [each.place for each in partitions]
        client = self._bundle.client = self._clients().of(reader, self._bundle.client, places)
        is_resolved = self._resolve(client, partitions)
        reading = [each for each in partitions if each.is_read and each.offset >= 0]
        client.drop({each.place for each in partitions if not each.is_read})
        client.align({each.place: each.offset for each in reading})
        if not self._bundle.has_polled:
            self._poll(client)
        moved = False
        for progress in reading:
            messages, offset = client.take(progress.place)
            has_moved = offset != progress.offset
            moved |= has_moved
            progress.offset = offset
            self._promise(progress, messages, client)
            polled = Polled(messages, offset, client.polled_ms)
            yield from batches(progress.listed, polled, is_news=has_moved or is_resolved)
        for skipped in _taken(client, reading):
            counters.INPUT_LOST.inc(max(0, skipped.resumed - skipped.expected))
            yield pvalue.TaggedOutput(FINDINGS, lost_input(skipped))
        if moved or is_resolved:
            state.write(encode(partitions))
        if self._bundle.tells_offsets and reading:
            # A commit is a record of __consumer_offsets: one for each that was read there would never end.
            offsets = [(*each.place, each.offset) for each in reading if each.listed.topic != CONSUMER_OFFSETS]
            yield pvalue.TaggedOutput(OFFSETS, (reader, msgpack.encode(offsets)))
        set_with_hold(timer, self._hold(partitions), self._bundle.next_poll_s)

    def _clients(self) -> ReaderClients:
        return clients_of(self._identity, self._consumer)

    def _poll(self, client: PartitionConsumer) -> None:
        bundle = self._bundle
        bundle.has_polled = True
        client.poll(0.0 if client.has_messages else _WAIT_S)
        now = self._clock()
        pace = self._paces.setdefault(client, Pace(self._bundle_s))
        bundle.next_poll_s = pace.next_poll_s(bundle.began_s, now, has_more=client.has_more)
        if now - client.told_offsets_s >= _OFFSETS_EVERY_S:
            client.told_offsets_s, bundle.tells_offsets = now, True

    def _resolve(self, client: PartitionConsumer, partitions: list[Progress]) -> bool:
        """Find out where to begin with partitions that have no offset yet; whether any was found."""
        from confluent_kafka import KafkaException

        is_resolved = False
        for kind in (GROUPS_OFFSET, BEGINNING):
            wanted = {each.place: each for each in partitions if each.is_read and each.offset == kind}
            if not wanted or self._clock() < client.ask_again_s:
                continue
            try:
                found = client.start_offsets(list(wanted), is_first_look=kind == GROUPS_OFFSET)
            except KafkaException as error:
                client.ask_again_s = self._clock() + _RETRY_S
                _log.warning("The brokers do not say where to begin: %s", error)
                continue
            for place, offset in found.items():
                wanted[place].offset, is_resolved = offset, True
        return is_resolved

    def _promise(self, progress: Progress, messages: "list[Message]", client: PartitionConsumer) -> None:
        if not progress.listed.is_tracing:
            return
        stamps = [message.timestamp() for message in messages]
        has_append_time = stamps[-1][0] == LOG_APPEND_TIME if stamps else progress.listed.has_append_time
        progress.promised_ms = promised(
            progress.promised_ms,
            max(stamp for _, stamp in stamps) if stamps else None,
            at_end=client.is_at_end(progress.place),
            now_ms=client.polled_ms,
            has_append_time=has_append_time,
            max_delay_ms=self._max_delay_ms,
        )

    def _hold(self, partitions: list[Progress]) -> int:
        """Business topics hold nothing: their links carry their own time, and an old backlog would stop all else."""
        promises = [each.promised_ms for each in partitions if each.is_read and each.listed.is_tracing]
        return min(promises, default=int(self._clock() * 1000) - BROKER_MARGIN_MS)


class _Bundle:
    """What the readers of one bundle share."""

    def __init__(self, began_s: float) -> None:
        self.began_s = began_s
        self.next_poll_s = began_s
        self.client: PartitionConsumer | None = None
        self.has_polled = False
        self.tells_offsets = False


def _taken(client: PartitionConsumer, reading: list[Progress]) -> list[Skipped]:
    """What the client could not read of these partitions."""
    places = {each.place for each in reading}
    mine = [each for each in client.skipped if (each.topic, each.partition) in places]
    client.skipped = [each for each in client.skipped if each not in mine]
    return mine


def lost_input(skipped: Skipped) -> Finding:
    """The finding for records that nobody can read any more."""
    return finding(
        INPUT_LOST,
        f"{skipped.topic}/{skipped.partition}/{skipped.expected}",
        topic=skipped.topic,
        partition=skipped.partition,
        offset=skipped.expected,
        resumedAt=skipped.resumed,
        count=max(0, skipped.resumed - skipped.expected),
    )


class CommitOffsets(beam.DoFn):
    """Commits to the group what a complete checkpoint holds, for lag tools. In: `(reader, offsets)`. Out: nothing.

    It asks for a finalizer in few bundles only: Beam sets the worker's bundle processor aside until that was called.
    """

    def __init__(self, identity: str, consumer: Mapping[str, str]) -> None:
        self._identity = identity
        self._consumer = dict(consumer)

    def process(self, element: tuple[bytes, bytes], finalizer: Any = beam.DoFn.BundleFinalizerParam) -> None:
        """Commit later."""
        reader, encoded = element
        offsets = {(topic, partition): offset for topic, partition, offset in msgpack.decode(encoded)}
        clients = clients_of(self._identity, self._consumer)
        finalizer.register(lambda: clients.commit(reader, offsets))
