"""SendsView: which SEND lies at which position (a view of PlaceFacts).

In: SENDs, positions at which a correlationId was seen, and ACKs that name their correlationId and say that the send
failed. Out: every SEND as an aggregated record, located or, when its hold ends, not; for the block of its position the
news that it is there; findings.

Nearly every correlationId has one SEND and one position in a topic (PlainSend). Others are paired by facts alone, see
transforms/locate/send_pairing.py. What has been quiet for a while and waits for nothing is kept cold (shard_sends.py).
"""

from collections.abc import Callable
from itertools import chain
from sys import intern
from typing import Any

from msgspec import Struct, msgpack

from transforms.findings.findings import resolve, tell
from transforms.input.records import SEND
from transforms.locate.send_facts import (
    BY_PRODUCER,
    CorrelatedSends,
    Link,
    Name,
    PlainSend,
    Position,
    SeenColumns,
    Send,
    SendFailed,
    SentColumns,
    ShardFact,
)
from transforms.locate.send_pairing import Pairing, pair
from transforms.locate.send_verdicts import duplicates, failures
from transforms.locate.shard_forget import ShardForget
from transforms.locate.shard_sends import ShardSends
from transforms.state.addresses import JOIN, block_key
from transforms.state.aggregated import AggregatedTrace, record
from transforms.state.cold_store import SavedStore
from transforms.state.facts import LocatedSend
from transforms.state.view import Outputs
from transforms.state.waits import Deadlines, Waits, deadline_after, earliest


class _Snapshot(Struct, array_like=True, gc=False):
    now: int
    trim_at: int | None
    cold: tuple[list[str], SavedStore]
    plain: list[tuple[str, str, PlainSend]]
    objects: list[tuple[str, str, CorrelatedSends]]


class SendsView:
    """See the head of this file. `limit` bounds the facts of the shard.

    `is_read` says of which topics the headers are read: what is nowhere else was not in the log of these.
    """

    decode = staticmethod(msgpack.Decoder(list[ShardFact]).decode)

    def __init__(
        self,
        key: bytes,
        waits: Waits,
        limit: int,
        block_size: int,
        cluster: str = "",
        is_read: Callable[[str], bool] | None = None,
    ) -> None:
        self._waits = waits
        self._block_size = block_size
        self._cluster = cluster or None
        self._sends = ShardSends(span=waits.trim_interval)
        self._forget = ShardForget(self._sends, key.decode(), waits, limit, self._cluster, is_read)
        self._deadlines: Deadlines[Name] = Deadlines()
        self._now = -1
        self._trim_at: int | None = None
        #: Names that changed, and those of them that are objects.
        self._plain: dict[Name, PlainSend] = {}
        self._touched: dict[Name, None] = {}
        self._out = Outputs()

    def on_facts(self, facts: list[ShardFact]) -> Outputs:
        """Take in facts; write the SENDs that they locate or move."""
        self._out = Outputs()
        for fact in facts:
            if isinstance(fact, SentColumns):
                self._take_sends(fact)
            elif isinstance(fact, SeenColumns):
                self._take_seen(fact)
            else:
                self._take_failed(fact)
        return self._end()

    def on_time(self, now: int) -> Outputs:
        """Write the SENDs whose hold is over, keep cold what is quiet, forget what is past retention."""
        self._out = Outputs()
        self._now = now = max(self._now, now)
        for name in self._deadlines.due(now):
            self._touch(name)
        if self._trim_at is not None and self._trim_at <= now:
            self._review()
            for name in self._forget.expire(now, self._out):
                self._deadlines.set(name, None)
            oldest = self._sends.oldest()
            self._trim_at = None if oldest is None else self._waits.next_trim(now, oldest)
        return self._end()

    def deadline(self) -> int | None:
        """The next hold that ends, or the next look for what is quiet or past retention."""
        return earliest(self._deadlines.next(), self._trim_at, self._sends.next_look())

    def size(self) -> int:
        """Facts held, those of cold ones by their bytes."""
        return self._sends.facts()

    # Taking in ------------------------------------------------------------------------------------------------------

    def _take_sends(self, columns: SentColumns) -> None:
        topics = [intern(topic) for topic in columns.topics]
        clients = [intern(client) for client in columns.client_ids]
        items = zip(
            columns.topic_of,
            columns.correlation_ids,
            columns.ids,
            columns.nanos,
            columns.digits,
            columns.clients,
            columns.timestamps,
            strict=True,
        )
        for item, (topic, correlation_id, identity, nanos, digits, client, timestamp) in enumerate(items):
            name = topics[topic], correlation_id
            known = self._find(name, timestamp)
            extra = columns.extras.get(item)
            if isinstance(known, PlainSend) and not known.id:
                known.id, known.nanos, known.digits, known.extra = identity, nanos, digits, extra
                known.client_id, known.timestamp = clients[client], timestamp
                self._sends.grow(1)
                self._plain[name] = known
            else:
                self._take_send(name, Send(identity, nanos, digits, clients[client], timestamp, extra))

    def _take_send(self, name: Name, send: Send) -> None:
        """A SEND of a correlationId that has another, or the same again."""
        sends = self._object(name)
        known = sends.send(send.id)
        if known is None:
            sends.sends.append(send)
            self._sends.grow(1)
            return
        self._out.counts["duplicates"] += 1
        if send.timestamp < known.timestamp:  # it counts by its earliest time
            known.timestamp = send.timestamp
            if known.written is not None:
                self._tell(name, known, known.written, live=True)

    def _take_seen(self, columns: SeenColumns) -> None:
        topics = [intern(topic) for topic in columns.topics]
        clients = [intern(client) or None for client in columns.client_ids]
        items = zip(
            columns.topic_of,
            columns.correlation_ids,
            columns.partitions,
            columns.offsets,
            columns.nanos,
            columns.timestamps,
            columns.clients,
            columns.roles,
            strict=True,
        )
        for topic, correlation_id, partition, offset, nanos, timestamp, number, role in items:
            name = topics[topic], correlation_id
            known, client = self._find(name, timestamp), clients[number]
            producer, reader = (client, None) if role == BY_PRODUCER else (None, client)
            link = Link(partition, offset, nanos, producer, timestamp, reader)
            if isinstance(known, PlainSend) and (added := known.see(link)) is not None:
                self._sends.grow(added)
                self._plain[name] = known
            else:
                self._sends.grow(self._object(name).add(link))

    def _take_failed(self, failed: SendFailed) -> None:
        name = intern(failed.topic), failed.correlation_id
        self._find(name, failed.timestamp)
        self._sends.grow(self._object(name).fail(failed))

    def _find(self, name: Name, timestamp: int) -> PlainSend | CorrelatedSends:
        if self._trim_at is None:
            self._trim_at = self._waits.first_trim(timestamp, self._now)
        known = self._sends.find(name, timestamp, self._now)
        if isinstance(known, CorrelatedSends):
            self._touched[name] = None
        return known

    def _object(self, name: Name) -> CorrelatedSends:
        """What is known under this name, as an object that changes."""
        self._plain.pop(name, None)
        self._touched[name] = None
        return self._sends.as_object(name)

    def _touch(self, name: Name) -> None:
        plain = self._sends.plain.get(name)
        if plain is None:
            self._touched[name] = None
        else:
            self._plain[name] = plain

    # Writing --------------------------------------------------------------------------------------------------------

    def _end(self) -> Outputs:
        """Write what changed, and keep within the limits."""
        changed = self._review()
        for name in self._forget.evict(changed, self._give_up, self._out):
            self._deadlines.set(name, None)
        self._sends.cool(self._now)
        return self._out

    def _review(self) -> list[Name]:
        """Write what changed; the names that are objects."""
        plain, self._plain = self._plain, {}
        for name, known in plain.items():
            if known.id:
                self._review_plain(name, known)
        for name in self._touched:
            self._write(name, self._sends.objects[name])
        changed, self._touched = list(self._touched), {}
        return changed

    def _review_plain(self, name: Name, plain: PlainSend) -> None:
        """Write a SEND that lies at the one position that is known; what is not clear becomes an object."""
        deadline = deadline_after(plain.timestamp, self._waits.hold_send)
        if plain.is_placed():
            if not plain.written:
                plain.written = True
                self._deadlines.set(name, None)
                self._write_send(name, plain, Position(plain.partition, plain.offset), revision=1)
                self._tell_block(name, plain, plain.partition, plain.offset, version=1)
        elif plain.offset >= 0 or deadline <= self._now:
            self._object(name)
        else:
            self._deadlines.set(name, deadline)

    def _write(self, name: Name, known: CorrelatedSends) -> None:
        """Write what changed about a correlationId that is an object."""
        pairing = pair(known)
        waiting: list[int] = []
        for send in known.sends:
            position, answered = pairing.placed.get(send.id), send.id in pairing.answered
            deadline = deadline_after(send.timestamp, self._waits.hold_send)
            is_over = send.revision or pairing.answered.get(send.id) or deadline <= self._now
            if position is None and not is_over:
                waiting.append(deadline)
            else:
                self._place(name, send, position, answered=answered)
        self._deadlines.set(name, min(waiting, default=None))
        if known.found or known.failures or len(known.links) > 1:
            self._find_faults(name, known, pairing)

    def _place(self, name: Name, send: Send, position: Position | None, *, answered: bool = False) -> None:
        """Write a SEND that is at this position (None: unknown) if that changed, and tell the blocks.

        The blocks are told too whether it was `answered` without an offset.
        """
        is_changed, send.answered = answered != send.answered, answered
        if send.revision and send.written == position:
            if is_changed and position is not None:
                self._tell(name, send, position, live=True)
            return
        if send.written is not None:
            self._tell(name, send, send.written, live=False)
        send.written = position
        send.revision += 1
        self._write_send(name, send, position, revision=send.revision)
        if position is not None:
            self._tell(name, send, position, live=True)

    def _give_up(self, name: Name) -> int:
        """Write the SENDs that still wait as they are, and forget all of this name; how many facts that were."""
        known = self._sends.as_object(name)
        for send in known.sends:
            if not send.revision:
                self._place(name, send, None)
        return self._sends.remove(name).facts()

    def _find_faults(self, name: Name, known: CorrelatedSends, pairing: Pairing) -> None:
        """Tell which positions are duplicates and which sends failed, and close what no longer holds."""
        verdicts = {one.id: one for one in chain(duplicates(name, known), failures(name, known, pairing))}
        for identity, verdict in verdicts.items():
            known.found[identity], change = tell(verdict, known.found.get(identity), cluster=self._cluster)
            if change is not None:
                self._out.findings.append(change)
        for identity in known.found.keys() - verdicts.keys():
            self._out.findings.append(resolve(known.found.pop(identity), cluster=self._cluster))

    def _tell(self, name: Name, send: Send, position: Position, *, live: bool) -> None:
        send.version += 1
        self._tell_block(
            name, send, position.partition, position.offset, version=send.version, live=live, answered=send.answered
        )

    def _write_send(self, name: Name, send: Send | PlainSend, position: Position | None, *, revision: int) -> None:
        """The record of a SEND at this position (None: unknown)."""
        topic, correlation_id = name
        partition, offset = (None, None) if position is None else (position.partition, position.offset)
        self._out.counts["revisions" if revision > 1 else "emitted"] += 1
        trace = AggregatedTrace(
            send.id, send.date, SEND, topic, partition, offset, correlation_id, send.client_id,
            revision=revision, cluster=self._cluster,
        )  # fmt: skip
        self._out.records.append(record(trace, send.extra))

    def _tell_block(
        self,
        name: Name,
        send: Send | PlainSend,
        partition: int,
        offset: int,
        *,
        version: int,
        live: bool = True,
        answered: bool = False,
    ) -> None:
        """Tell the block of this position whether the SEND lies there."""
        topic, correlation_id = name
        located = LocatedSend(
            offset, send.id, correlation_id, send.nanos, send.digits, send.client_id, send.timestamp, version, live,
            answered,
        )  # fmt: skip
        self._out.facts.append((JOIN, block_key(topic, partition, offset // self._block_size), send.timestamp, located))

    # Keeping --------------------------------------------------------------------------------------------------------

    def snapshot(self) -> bytes:
        """All of it."""
        sends = self._sends
        plain = [(topic, correlation_id, known) for (topic, correlation_id), known in sends.plain.items()]
        objects = [(topic, correlation_id, known) for (topic, correlation_id), known in sends.objects.items()]
        saved: bytes = _encode(_Snapshot(self._now, self._trim_at, sends.snapshot(), plain, objects))
        return saved

    def restore(self, snapshot: bytes) -> None:
        """Be what a snapshot says."""
        saved = _load(snapshot)
        self._now, self._trim_at = saved.now, saved.trim_at
        plain = {(intern(topic), correlation_id): known for topic, correlation_id, known in saved.plain}
        objects = {(intern(topic), correlation_id): known for topic, correlation_id, known in saved.objects}
        self._sends.restore(saved.cold, plain, objects, self._now)
        for name in (*plain, *objects):
            self._touch(name)
        self._review()


_encode: Callable[[Any], bytes] = msgpack.Encoder().encode
_load = msgpack.Decoder(_Snapshot).decode
