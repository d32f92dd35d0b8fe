"""PathwaysView: the ways of messages through several topics (the view of FollowPathways).

In: SENDs and CONSUMEs, by correlationId. Out: for each correlationId seen in several topics a record of its pathway,
once nothing came for a while, and again with a higher revision when a late fact changes it; and for the statistics
the tallies of each edge (from topic by group to topic).

A second topic may be hours away, so a trail is kept until retention; without news it is kept cold. That takes 70 bytes
for a message of one SEND and one CONSUME, 90 for one that went through two topics, and 16 for each hop in the tallies.
"""

from base64 import b64decode, b64encode
from collections.abc import Iterable, Iterator
from sys import intern
from typing import Any

from msgspec import msgpack

from transforms.addresses import PATHS
from transforms.cold_store import SavedStore
from transforms.cold_trails import ColdTrails
from transforms.edge_tallies import EdgeTallies
from transforms.findings import EVICTED, finding
from transforms.packs import Event
from transforms.pathway_facts import MAX_TRAIL_FACTS, Consumed, Sent, Trail
from transforms.pathway_record import Pathway, record, work_out
from transforms.event_view import EXPIRED, EventView
from transforms.view import BYTES_PER_FACT, Outputs
from transforms.waits import Deadlines, Waits, deadline_after, earliest

#: Kinds of events of a shard; correlationId and Kafka timestamp (ms) follow, then the fact as it is kept.
SENT = "S"
CONSUMED = "C"
#: Of snapshots alone: a trail with news, all trails without, the tallies of an edge.
_TRAIL = "T"
_COLD = "F"
_EDGE = "E"

#: Grain (ms) of the waits of a shard, and of what it tells the statistics: each distinct deadline costs a bundle.
TICK = 10_000
#: Kept of a shard that held too much.
_KEEP = 0.9


class PathwaysView(EventView):
    """See the head of this file. `quiet` (ms) without a fact make a pathway complete; `limit` bounds the facts held."""

    def __init__(self, key: bytes, waits: Waits, quiet: int, limit: int, cluster: str = "") -> None:
        self._shard = key.decode()
        self._waits = waits
        self._quiet = min(quiet, waits.retention)
        self._limit = limit
        self._cluster = cluster
        self._hot: dict[str, Trail] = {}
        self._cold = ColdTrails(span=waits.trim_interval)
        self._edges = EdgeTallies(self._shard)
        #: The trails that this batch touched, and what the tallies say of them.
        self._touched: dict[str, Pathway | None] = {}
        self._hot_facts = 0
        self._deadlines: Deadlines[str] = Deadlines()
        self._now = -1
        self._tell_at: int | None = None
        self._trim_at: int | None = None
        self._out = Outputs()

    def apply(self, events: Iterable[list[Any]]) -> Outputs:
        """Take in a batch of events; write the pathways that have become quiet."""
        self._out = outputs = Outputs()
        for event in events:
            kind = event[0]
            if kind == SENT:
                _, correlation, timestamp, nanos, topic, client = event
                self._add(correlation, timestamp, Sent(nanos, intern(topic), intern(client)))
            elif kind == CONSUMED:
                _, correlation, timestamp, nanos, topic, client, group = event
                self._add(correlation, timestamp, Consumed(nanos, intern(topic), intern(client), intern(group)))
            elif kind == EXPIRED:
                self._now = max(self._now, event[1])
                if len(event) > 2:  # noqa: PLR2004  a snapshot's extra items
                    _, _, self._tell_at, self._trim_at = event
            else:
                self._restore(kind, event)
        self._review()
        self._settle(self._deadlines.due(self._now))
        if self._tell_at is not None and self._tell_at <= self._now:
            self._tell_at = None
            outputs.facts += self._edges.tell()
        if self._trim_at is not None and self._trim_at <= self._now:
            self._trim()
        if self.facts() > self._limit:
            self._evict()
        return outputs

    def deadline(self) -> int | None:
        """When the next trail is quiet, the statistics are told, or something is past retention."""
        return earliest(self._deadlines.next(), self._tell_at, self._trim_at)

    def facts(self) -> int:
        """Facts held, those of cold trails and of edges by their bytes."""
        return self._hot_facts - (-(self._cold.weight() + self._edges.weight()) // BYTES_PER_FACT)

    # Taking in ------------------------------------------------------------------------------------------------------

    def _add(self, correlation: str, timestamp: int, fact: Sent | Consumed) -> None:
        trail = self._open(correlation)
        trail.last = max(trail.last, timestamp)
        if self._trim_at is None:
            self._trim_at = max(deadline_after(timestamp, self._waits.retention), self._now + 1)
        if trail.has(fact):
            return
        if trail.facts() >= MAX_TRAIL_FACTS:
            self._cut(correlation, trail)
            return
        trail.add(fact)
        self._hot_facts += 1

    def _open(self, correlation: str) -> Trail:
        """The trail of this correlationId, about to change."""
        trail = self._hot.get(correlation)
        if trail is None:
            trail = self._hot[correlation] = self._cold.take(correlation) or Trail()
            self._hot_facts += trail.facts()
        if correlation not in self._touched:
            self._touched[correlation] = work_out(trail)
        return trail

    def _cut(self, correlation: str, trail: Trail) -> None:
        """Give up a fact of a trail that has too many."""
        self._out.counts["evicted"] += 1
        if not trail.is_cut:
            trail.is_cut = trail.is_pending = True
            self._find(correlation, correlationId=correlation, limit=MAX_TRAIL_FACTS)

    def _review(self) -> None:
        """Count anew the hops that changed, and let all that was touched wait until it is quiet."""
        for correlation, before in self._touched.items():
            trail = self._hot[correlation]
            after = work_out(trail)
            if after != before:
                trail.is_pending = True
                if self._edges.replace(before.hops if before else (), after.hops if after else (), trail.last):
                    tell_at = self._tick(trail.last)
                    self._tell_at = tell_at if self._tell_at is None else min(self._tell_at, tell_at)
            trail.due = self._tick(trail.last + self._quiet)
            self._deadlines.set(correlation, trail.due)
        self._touched = {}

    def _tick(self, at: int) -> int:
        """The first tick at or after this time (ms) that is not over."""
        return -(-max(at, self._now + 1) // TICK) * TICK

    # Writing and forgetting -----------------------------------------------------------------------------------------

    def _settle(self, quiet: Iterable[str]) -> None:
        """Write these trails if they have news, and keep them cold."""
        before = self._now - self._waits.retention
        trails = [(correlation, self._write(correlation)) for correlation in quiet]
        self._cold.keep((correlation, trail) for correlation, trail in trails if trail.last > before)

    def _write(self, correlation: str, *, complete: bool = True) -> Trail:
        """Take a trail out, its pathway written if that is news."""
        trail = self._hot.pop(correlation)
        self._hot_facts -= trail.facts()
        self._deadlines.set(correlation, None)
        pathway = work_out(trail) if trail.is_pending else None
        if pathway is not None:
            trail.revision += 1
            complete = complete and not trail.is_cut
            self._out.records.append(
                record(correlation, pathway, complete=complete, revision=trail.revision, cluster=self._cluster)
            )
        trail.is_pending = False
        return trail

    def _trim(self) -> None:
        """Forget what is past retention."""
        before = self._now - self._waits.retention
        self._cold.forget(before)
        self._out.facts += self._edges.forget(before)
        oldest = earliest(self._cold.oldest(), *self._edges.ages(), *(trail.last for trail in self._hot.values()))
        self._trim_at = None if oldest is None else self._waits.next_trim(self._now, oldest)

    def _evict(self) -> None:
        """Give up the oldest: trails without news, then those with some, written as they are, then edges."""
        target, count, last = int(self._limit * _KEEP), 0, -1
        while self._cold.weight() and self.facts() > target:
            for dropped in self._cold.drop_oldest():
                count, last = count + dropped.facts(), max(last, dropped.last)
        for correlation in sorted(self._hot, key=lambda name: (self._hot[name].last, name)):
            if self.facts() <= target:
                break
            trail = self._write(correlation, complete=False)
            count, last = count + trail.facts(), max(last, trail.last)
        while self._edges.weight() and self.facts() > target:
            ages = sorted(self._edges.ages())
            last = max(last, before := ages[len(ages) // 10])
            self._out.facts += self._edges.forget(before)
            count += len(ages) - len(self._edges.ages())
        self._out.counts["evicted"] += count
        self._find(f"{self._shard}:{last}", count=count, limit=self._limit)

    def _find(self, subject: str, **known: Any) -> None:
        """A finding that something was given up."""
        cluster = self._cluster or None
        self._out.findings.append(finding(EVICTED, f"{PATHS}:{subject}", None, cluster=cluster, **known))

    # Keeping --------------------------------------------------------------------------------------------------------

    def snapshot_events(self) -> Iterator[Event]:
        """Events that build this view again, with what it has written and told."""
        yield EXPIRED, self._now, self._tell_at, self._trim_at
        if self._cold.weight():
            yield _COLD, b64encode(msgpack.encode(self._cold.snapshot())).decode()
        for correlation, trail in self._hot.items():
            yield _TRAIL, correlation, *trail.state()
        for edge in self._edges.snapshot():
            yield _EDGE, *edge

    def _restore(self, kind: str, event: list[Any]) -> None:
        """A part of a snapshot."""
        if kind == _COLD:
            self._cold.restore(*msgpack.decode(b64decode(event[1]), type=tuple[list[str], SavedStore]))
        elif kind == _EDGE:
            self._edges.restore(*event[1:])
        else:
            _, correlation, *state = event
            trail = self._hot[correlation] = Trail.of(*state)
            self._hot_facts += trail.facts()
            self._deadlines.set(correlation, trail.due)
