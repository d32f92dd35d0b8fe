"""ProducersView: which answers without an offset are failures (a view of PlaceFacts).

In: who is answered with offsets in a topic, and the ACKs that have a partition but neither an offset nor an error. Out:
a `send-failed` finding for each such ACK of a client that is told offsets there, before or after it: it runs with
`acks=1` or `all`, and its send failed. A client that is never told one runs with `acks=0`, and nothing is said of it.

What is past retention is forgotten. So are all but the newest MAX_WAITING ACKs of a client that was never told an
offset: with `acks=0` every send gives one.
"""

from collections.abc import Iterator

import orjson
from msgspec import Struct, msgpack

from transforms.findings.findings import EVICTED, SEND_FAILED, Finding, finding
from transforms.state.group_facts import AckWithoutOffset, TopicFact
from transforms.state.view import Outputs
from transforms.state.waits import Waits, deadline_after

#: ACKs of one client that are remembered until it is told an offset.
MAX_WAITING = 1000


class _Snapshot(Struct, array_like=True, gc=False):
    now: int
    trim_at: int | None
    placing: dict[str, int]
    waiting: list[AckWithoutOffset]


_save = msgpack.Encoder().encode
_load = msgpack.Decoder(_Snapshot).decode


class ProducersView:
    """See the head of this file. `key` is that of a topic; `limit` bounds the facts."""

    decode = staticmethod(msgpack.Decoder(list[TopicFact]).decode)

    def __init__(self, key: bytes, waits: Waits, limit: int, block_size: int, cluster: str = "") -> None:  # noqa: ARG002  all views of a step are made alike
        self._topic = orjson.loads(key)
        self._waits = waits
        self._limit = limit
        self._cluster = cluster
        #: Per client when (ms) it was told an offset last.
        self._placing: dict[str, int] = {}
        #: Per client the ACKs that may be failures, by id.
        self._waiting: dict[str, dict[str, AckWithoutOffset]] = {}
        self._now = -1
        self._trim_at: int | None = None

    def on_facts(self, facts: list[TopicFact]) -> Outputs:
        """Take in facts; say which sends failed."""
        outputs = Outputs()
        touched: dict[str, None] = {}
        for fact in facts:
            client = fact.client_id
            if isinstance(fact, AckWithoutOffset):
                self._wait(fact)
            else:
                self._placing[client] = max(fact.timestamp, self._placing.get(client, fact.timestamp))
            touched[client] = None
            if self._trim_at is None:
                self._trim_at = max(deadline_after(fact.timestamp, self._waits.retention), self._now + 1)
        for client in touched:
            self._review(client, outputs)
        if self.size() > self._limit:
            self._evict(outputs)
        return outputs

    def on_time(self, now: int) -> Outputs:
        """Forget what is past retention."""
        self._now = max(self._now, now)
        if self._trim_at is not None and self._trim_at <= self._now:
            self._forget(self._now - self._waits.retention)
            oldest = min(self._times(), default=None)
            self._trim_at = None if oldest is None else self._waits.next_trim(self._now, oldest)
        return Outputs()

    def deadline(self) -> int | None:
        """The next look for what is past retention."""
        return self._trim_at

    def size(self) -> int:
        """Clients and ACKs held."""
        return len(self._placing) + sum(map(len, self._waiting.values()))

    def _wait(self, ack: AckWithoutOffset) -> None:
        """The ACK may be a failure. One that lies twice in the topic counts by its earliest time."""
        known = self._waiting.setdefault(ack.client_id, {})
        if ack.id not in known or ack.timestamp < known[ack.id].timestamp:
            known[ack.id] = ack

    def _review(self, client: str, outputs: Outputs) -> None:
        """Tell what failed if the client is answered with offsets; else keep its newest ACKs."""
        if client in self._placing:
            outputs.findings += map(self._failed, self._waiting.pop(client, {}).values())
            return
        known = self._waiting[client]
        if len(known) > MAX_WAITING:
            newest = sorted(known.values(), key=lambda ack: (ack.date, ack.id))[-MAX_WAITING * 9 // 10 :]
            self._waiting[client] = {ack.id: ack for ack in newest}

    def _failed(self, ack: AckWithoutOffset) -> Finding:
        return finding(
            SEND_FAILED, ack.id, None, topic=self._topic, correlationId=ack.correlation_id, clientId=ack.client_id,
            date=ack.date, cluster=self._cluster or None,
        )  # fmt: skip

    def _forget(self, before: int) -> None:
        self._placing = {client: last for client, last in self._placing.items() if last > before}
        for client, known in list(self._waiting.items()):
            self._waiting[client] = {identity: ack for identity, ack in known.items() if ack.timestamp > before}
            if not self._waiting[client]:
                del self._waiting[client]

    def _times(self) -> Iterator[int]:
        yield from self._placing.values()
        for known in self._waiting.values():
            yield from (ack.timestamp for ack in known.values())

    def _evict(self, outputs: Outputs) -> None:
        """Give up the oldest facts, as if retention were shorter."""
        held, times = self.size(), sorted(self._times())
        self._forget(times[held - self._limit * 9 // 10 - 1])
        count = held - self.size()
        outputs.counts["evicted"] += count
        subject = f"producers:{self._topic}:{self._now}"
        cluster = self._cluster or None
        outputs.findings.append(finding(EVICTED, subject, None, topic=self._topic, count=count, cluster=cluster))

    def snapshot(self) -> bytes:
        """All of it."""
        waiting = [ack for known in self._waiting.values() for ack in known.values()]
        return _save(_Snapshot(self._now, self._trim_at, self._placing, waiting))

    def restore(self, snapshot: bytes) -> None:
        """Be what a snapshot says."""
        saved = _load(snapshot)
        self._now, self._trim_at, self._placing = saved.now, saved.trim_at, saved.placing
        for ack in saved.waiting:
            self._wait(ack)
