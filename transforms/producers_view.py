"""ProducersView: which answers without an offset are failures (a view of PlaceFacts).

In: who was told an offset in a topic, and the ACKs that have a partition but neither an offset nor an error. Out: a
`send-failed` finding for each such ACK of a client that is told offsets there, before or after it: it runs with
`acks=1` or `all`, and its send failed. A client that is never told one runs with `acks=0`, and nothing is said of it.

What is past retention is forgotten. So are all but the newest MAX_WAITING ACKs of a client that was never told an
offset: with `acks=0` every send gives one.
"""

from collections.abc import Iterable, Iterator
from typing import Any

import orjson

from transforms.findings import EVICTED, SEND_FAILED, Finding, finding
from transforms.packs import Event
from transforms.event_view import EXPIRED, EventView
from transforms.view import Outputs
from transforms.waits import Waits, deadline_after

#: Kinds of events: a client was told an offset, an ACK without an offset.
PLACING = "P"
BARE = "N"

#: ACKs of one client that are remembered until it is told an offset.
MAX_WAITING = 1000


class ProducersView(EventView):
    """See the head of this file. `key` is that of a topic; `limit` bounds the facts."""

    def __init__(self, key: bytes, waits: Waits, limit: int, block_size: int, cluster: str = "") -> None:  # noqa: ARG002  all views of a step are made alike
        self._topic = orjson.loads(key)
        self._waits = waits
        self._limit = limit
        self._cluster = cluster
        #: Per client when (ms) it was told an offset last.
        self._placing: dict[str, int] = {}
        #: Per client the ACKs that may be failures, by id.
        self._waiting: dict[str, dict[str, Event]] = {}
        self._now = -1
        self._trim_at: int | None = None

    def apply(self, events: Iterable[list[Any]]) -> Outputs:
        """Take in a batch of events; say which sends failed."""
        outputs = Outputs()
        touched: dict[str, None] = {}
        for event in events:
            kind = event[0]
            if kind == PLACING:
                _, client, last = event
                self._placing[client] = max(last, self._placing.get(client, last))
            elif kind == BARE:
                _, identity, _, client, last, _ = event
                known = self._waiting.setdefault(client, {})
                if identity not in known or last < known[identity][4]:
                    known[identity] = event
            else:
                self._expire(event)
                continue
            touched[client] = None
            self._keep(last)
        for client in touched:
            self._tell(client, outputs)
        if self.facts() > self._limit:
            self._evict(outputs)
        return outputs

    def deadline(self) -> int | None:
        """The next look for what is past retention."""
        return self._trim_at

    def facts(self) -> int:
        """Clients and ACKs held."""
        return len(self._placing) + sum(map(len, self._waiting.values()))

    def _tell(self, client: str, outputs: Outputs) -> None:
        if client in self._placing:
            outputs.findings += map(self._failed, self._waiting.pop(client, {}).values())
            return
        known = self._waiting[client]
        if len(known) > MAX_WAITING:
            newest = sorted(known.values(), key=lambda event: (event[2], event[1]))[-MAX_WAITING * 9 // 10 :]
            self._waiting[client] = {event[1]: event for event in newest}

    def _failed(self, event: Event) -> Finding:
        _, identity, date, client, _, correlation = event
        return finding(
            SEND_FAILED, identity, None, topic=self._topic, correlationId=correlation, clientId=client, date=date,
            cluster=self._cluster or None,
        )  # fmt: skip

    def _keep(self, timestamp: int) -> None:
        if self._trim_at is None:
            self._trim_at = max(deadline_after(timestamp, self._waits.retention), self._now + 1)

    def _expire(self, event: list[Any]) -> None:
        self._now = max(self._now, event[1])
        if len(event) > 2:  # noqa: PLR2004  a snapshot's extra item
            self._trim_at = event[2]
        if self._trim_at is not None and self._trim_at <= self._now:
            self._forget(self._now - self._waits.retention)
            oldest = min(self._times(), default=None)
            self._trim_at = None if oldest is None else self._waits.next_trim(self._now, oldest)

    def _forget(self, before: int) -> None:
        self._placing = {client: last for client, last in self._placing.items() if last > before}
        for client, known in list(self._waiting.items()):
            self._waiting[client] = {identity: event for identity, event in known.items() if event[4] > before}
            if not self._waiting[client]:
                del self._waiting[client]

    def _times(self) -> Iterator[int]:
        yield from self._placing.values()
        for known in self._waiting.values():
            yield from (event[4] for event in known.values())

    def _evict(self, outputs: Outputs) -> None:
        """Give up the oldest facts, as if retention were shorter."""
        held, times = self.facts(), sorted(self._times())
        self._forget(times[held - self._limit * 9 // 10 - 1])
        count = held - self.facts()
        outputs.counts["evicted"] += count
        subject = f"producers:{self._topic}:{self._now}"
        cluster = self._cluster or None
        outputs.findings.append(finding(EVICTED, subject, None, topic=self._topic, count=count, cluster=cluster))

    def snapshot_events(self) -> Iterator[Event]:
        """Events that build this view again."""
        yield EXPIRED, self._now, self._trim_at
        for client, last in self._placing.items():
            yield PLACING, client, last
        for known in self._waiting.values():
            yield from map(tuple, known.values())
