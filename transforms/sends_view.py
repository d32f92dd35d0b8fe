"""SendsView: which SEND lies at which position (a view of PlaceFacts).

In: SENDs, links (a correlationId seen at a position), and ACKs that name their correlationId and say that the send
failed. Out: every SEND as an aggregated record, located or, when its hold ends, not; for the block of its position the
news that it is there; findings.

A flight (all SENDs and links of one correlationId in one topic) that has been quiet for a while and waits for nothing
is kept cold (transforms/flights.py); the next fact about it takes it out again. Nothing else depends on that.

One correlationId may have several SENDs and positions in a topic. They are paired by facts alone, see
transforms/send_pairing.py.
"""

import sys
from collections.abc import Callable, Iterable, Iterator
from itertools import chain
from typing import Any

from transforms.addresses import JOIN, LOCATE, block_key
from transforms.aggregated import AggregatedTrace, record
from transforms.dates import NANOS_PER_MILLI
from transforms.facts import LocatedSend, digits_of
from transforms.findings import EVICTED, UNLINKED, Found, finding, resolve, tell
from transforms.flight_coder import Name
from transforms.flights import Flights
from transforms.packs import Event
from transforms.records import SEND
from transforms.send_pairing import Failure, Flight, Link, Pairing, Position, Send, pair
from transforms.send_verdicts import duplicates, failures
from transforms.event_view import EXPIRED, EventView
from transforms.view import Outputs
from transforms.waits import Deadlines, Waits, deadline_after, earliest

#: Kinds of events of a shard; topic and correlationId follow.
SENT = "S"
LINK = "L"
FAILED = "E"
#: Of snapshots alone: a flight had a fact of this time (ms) that left nothing else behind; all cold flights; and a
#: finding about a flight.
HEARD = "H"
COLD = "F"
_FOUND = "V"

#: A correlationId with more facts than this in one topic names no message; its facts are given up.
MAX_FLIGHT_FACTS = 512


class SendsView(EventView):
    """See the head of this file. `limit` bounds the facts of the shard.

    `is_read` says of which topics the headers are read: what is nowhere else was not in the log of these.
    """

    def __init__(
        self,
        key: bytes,
        waits: Waits,
        limit: int,
        block_size: int,
        cluster: str = "",
        is_read: Callable[[str], bool] | None = None,
    ) -> None:
        self._key = key
        self._waits = waits
        self._limit = limit
        self._block_size = block_size
        self._cluster = cluster
        self._is_read = is_read
        self._flights = Flights(span=waits.trim_interval)
        self._deadlines: Deadlines[Name] = Deadlines()
        self._now = -1
        self._trim_at: int | None = None
        self._touched: dict[Name, None] = {}
        self._written: dict[Name, None] = {}
        self._out = Outputs()

    def apply(self, events: Iterable[list[Any]]) -> Outputs:
        """Take in a batch of events; write the SENDs that it locates or moves."""
        self._out = outputs = Outputs()
        for event in events:
            kind = event[0]
            if kind == SENT:
                self._sent(event)
            elif kind == LINK:
                self._linked(event)
            elif kind == FAILED:
                flight = self._flight((sys.intern(event[1]), event[2]), event[6])
                self._flights.grow(flight.fail(Failure._make(event[3:])))
            elif kind == HEARD:
                self._flight((sys.intern(event[1]), event[2]), event[3])
            elif kind == COLD:
                self._flights.restore(event[1])
            elif kind == _FOUND:
                self._flights.hot[sys.intern(event[1]), event[2]].found[event[3]] = Found._make(event[4:])
            else:
                self._expire(event)
        self._review()
        self._evict()
        self._flights.cool(self._now)
        return outputs

    def deadline(self) -> int | None:
        """The next hold that ends, or the next look for what is quiet or past retention."""
        return earliest(self._deadlines.next(), self._trim_at, self._flights.next_look())

    def facts(self) -> int:
        """Facts held, those of cold flights by their bytes."""
        return self._flights.facts()

    def _flight(self, name: Name, timestamp: int) -> Flight:
        flight = self._flights.open(name, timestamp, self._now)
        self._touched[name] = None
        if self._trim_at is None:
            self._trim_at = max(deadline_after(timestamp, self._waits.retention), self._now + 1)
        return flight

    def _sent(self, event: list[Any]) -> None:
        _, topic, correlation, identity, date, client, timestamp, extra, *state = event
        name = (sys.intern(topic), correlation)
        flight = self._flight(name, timestamp)
        known = flight.send(identity)
        deadline = deadline_after(timestamp, self._waits.hold_send)
        if known is not None:
            self._out.counts["duplicates"] += 1
            if timestamp < known.timestamp:  # it counts by its earliest time
                known.timestamp, known.deadline = timestamp, deadline
                if known.written is not None:
                    self._tell(name, known, known.written, live=True)
            return
        send = Send(identity, date, sys.intern(client), timestamp, extra, deadline)
        if state:
            send.revision, send.version, send.answered, written = state
            send.written = Position(*written) if written else None
        flight.sends.append(send)
        self._flights.grow(1)

    def _linked(self, event: list[Any]) -> None:
        _, topic, correlation, partition, offset, nanos, client, timestamp, reader = event
        flight = self._flight((sys.intern(topic), correlation), timestamp)
        link = Link(partition, offset, nanos, client and sys.intern(client), timestamp, reader and sys.intern(reader))
        self._flights.grow(flight.add(link))

    def _expire(self, event: list[Any]) -> None:
        self._now = max(self._now, event[1])
        if len(event) > 2:  # noqa: PLR2004  a snapshot's extra item
            self._trim_at = event[2]
        for name in self._deadlines.due(self._now):
            self._touched[name] = None
        if self._trim_at is not None and self._trim_at <= self._now:
            self._trim()

    def _review(self) -> None:
        """Write what changed about the touched correlationIds."""
        for name in self._touched:
            flight = self._flights.hot[name]
            pairing = pair(flight)
            waiting: list[int] = []
            for send in flight.sends:
                position, answered = pairing.placed.get(send.id), send.id in pairing.answered
                is_over = send.revision or pairing.answered.get(send.id) or send.deadline <= self._now
                if position is None and not is_over:
                    waiting.append(send.deadline)
                else:
                    self._place(name, send, position, answered=answered)
            self._deadlines.set(name, min(waiting, default=None))
            if flight.found or flight.failures or len(flight.links) > 1:
                self._find(name, flight, pairing)
        self._written, self._touched = self._touched, {}

    def _place(self, name: Name, send: Send, position: Position | None, *, answered: bool = False) -> None:
        """Write a SEND that is at this position (None: unknown) if that is news, and tell the blocks.

        The blocks are told too whether it was `answered` without an offset.
        """
        is_news, send.answered = answered != send.answered, answered
        if send.revision and send.written == position:
            if is_news and position is not None:
                self._tell(name, send, position, live=True)
            return
        topic, correlation = name
        if send.written is not None:
            self._tell(name, send, send.written, live=False)
        send.written = position
        send.revision += 1
        self._out.counts["revisions" if send.revision > 1 else "emitted"] += 1
        partition, offset = position or (None, None)
        self._out.records.append(
            record(
                AggregatedTrace(
                    send.id, send.date, SEND, topic, partition, offset, correlation, send.client_id,
                    revision=send.revision, cluster=self._cluster or None,
                ),
                send.extra,
            )
        )  # fmt: skip
        if position is not None:
            self._tell(name, send, position, live=True)

    def _find(self, name: Name, flight: Flight, pairing: Pairing) -> None:
        """Tell which positions of this flight are duplicates and which sends failed, and close what no longer holds."""
        found = chain(duplicates(name, flight), failures(name, flight, pairing))
        verdicts = {verdict.id: verdict for verdict in found}
        cluster = self._cluster or None
        for identity, verdict in verdicts.items():
            flight.found[identity], news = tell(verdict, flight.found.get(identity), cluster=cluster)
            if news is not None:
                self._out.findings.append(news)
        for identity in flight.found.keys() - verdicts.keys():
            self._out.findings.append(resolve(flight.found.pop(identity), cluster=cluster))

    def _tell(self, name: Name, send: Send, position: Position, *, live: bool) -> None:
        topic, correlation = name
        send.version += 1
        located = LocatedSend(
            position.offset, send.id, correlation, send.nanos, digits_of(send.date), send.client_id, send.timestamp,
            send.version, live, send.answered,
        )  # fmt: skip
        key = block_key(topic, position.partition, position.offset // self._block_size)
        self._out.facts.append((JOIN, key, send.timestamp, located))

    def _trim(self) -> None:
        """Forget what is past retention; a SEND that never had a position or an answer is `unlinked`."""
        self._review()
        before = self._now - self._waits.retention
        for name, flight in self._flights.expire(before):
            self._deadlines.set(name, None)
            self._unlinked(name, flight)
        oldest = self._flights.oldest()
        self._trim_at = None if oldest is None else self._waits.next_trim(self._now, oldest)

    def _unlinked(self, name: Name, flight: Flight) -> None:
        placed, answered = pair(flight)
        in_log = False if self._is_read is not None and self._is_read(name[0]) else None
        for send in flight.sends:
            if send.id not in placed and send.id not in answered:
                deadline = send.timestamp + self._waits.retention
                self._out.findings.append(
                    finding(
                        UNLINKED, send.id, deadline, type=SEND, topic=name[0], correlationId=name[1],
                        clientId=send.client_id, date=send.date, produced=send.nanos // NANOS_PER_MILLI, inLog=in_log,
                        cluster=self._cluster or None,
                    )
                )  # fmt: skip

    def _evict(self) -> None:
        """Give up what is too much: SENDs that still wait are written as they are."""
        flights, hot = self._flights, self._flights.hot
        names = [name for name in self._written if name in hot and hot[name].facts() > MAX_FLIGHT_FACTS]
        if flights.facts() > self._limit:
            target = self._limit * 9 // 10
            self._evict_cold(target)
            excess = flights.facts() - target
            for name in sorted(hot, key=lambda name: hot[name].last):
                if excess <= 0:
                    break
                names.append(name)
                excess -= hot[name].facts()
        for name in dict.fromkeys(names):
            self._give_up(name)
        if names:
            flights.clear_looks()

    def _evict_cold(self, limit: int) -> None:
        """Give up cold flights, the oldest first, until no more facts than this are held."""
        count, last = 0, -1
        while self._flights.cold.weight() and self._flights.facts() > limit:
            for _, flight in self._flights.cold.drop_oldest():
                count, last = count + flight.facts(), max(last, flight.last)
        if count:
            self._out.counts["evicted"] += count
            subject = f"{LOCATE}:{self._key.decode()}:{last}"
            self._out.findings.append(finding(EVICTED, subject, None, count=count, cluster=self._cluster or None))

    def _give_up(self, name: Name) -> None:
        flight = self._flights.hot[name]
        for send in flight.sends:
            if not send.revision:
                self._place(name, send, None)
        self._flights.remove(name)
        self._deadlines.set(name, None)
        self._out.counts["evicted"] += flight.facts()
        topic, correlation = name
        self._out.findings.append(
            finding(
                EVICTED, f"{topic}:{correlation}:{flight.last}", None, topic=topic, correlationId=correlation,
                count=flight.facts(), cluster=self._cluster or None,
            )
        )  # fmt: skip

    def snapshot_events(self) -> Iterator[Event]:
        """Events that build this view again, with what it has written."""
        yield EXPIRED, self._now, self._trim_at
        for cold in self._flights.snapshot():
            yield COLD, cold
        for (topic, correlation), flight in self._flights.hot.items():
            for send in flight.sends:
                yield (
                    SENT, topic, correlation, send.id, send.date, send.client_id, send.timestamp, send.extra,
                    send.revision, send.version, send.answered, send.written and tuple(send.written),
                )  # fmt: skip
            for link in flight.links:
                yield LINK, topic, correlation, *link
            for failed in flight.failures:
                yield FAILED, topic, correlation, *failed
            kept = [send.timestamp for send in flight.sends] + [link.timestamp for link in flight.links]
            kept += [failed.timestamp for failed in flight.failures]
            if flight.last > max(kept):
                yield HEARD, topic, correlation, flight.last
            for identity, found in flight.found.items():
                yield _FOUND, topic, correlation, identity, *found
