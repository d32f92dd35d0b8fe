"""PathwaysView: the ways of messages through several topics (the view of FollowPathways).

In: SENDs and CONSUMEs, by correlationId. Out: for each correlationId seen in several topics a record of its pathway,
once nothing came for a while, and again with a higher revision when a late fact changes it; and for the statistics
the tallies of each edge (from topic by group to topic).

A second topic may be hours away, so a trail is kept until retention; without news it is kept cold. That takes 70 bytes
for a message of one SEND and one CONSUME, 90 for one that went through two topics, and 16 for each hop in the tallies.
"""

from collections.abc import Iterable
from typing import Any

from msgspec import Struct, msgpack

from transforms.findings.findings import EVICTED, finding
from transforms.pathways.cold_trails import ColdTrails
from transforms.pathways.edge_tallies import EdgeTallies, SavedEdge
from transforms.pathways.pathway_facts import MAX_TRAIL_FACTS, PathFact, Trail
from transforms.pathways.pathway_record import Pathway, record, work_out
from transforms.state.addresses import PATHS
from transforms.state.cold_store import SavedStore
from transforms.state.view import BYTES_PER_FACT, Outputs
from transforms.state.waits import Deadlines, Waits, deadline_after, earliest

#: Grain (ms) of the waits of a shard, and of what it tells the statistics: each distinct deadline costs a bundle.
TICK = 10_000
#: Kept of a shard that held too much.
_KEEP = 0.9


class _Snapshot(Struct, array_like=True, gc=False):
    """All that the view knows, with what it has written and told; `trails` are those with news, `cold` all others."""

    now: int
    emit_at: int | None
    trim_at: int | None
    trails: dict[str, Trail]
    cold: tuple[list[str], SavedStore] | None
    edges: list[SavedEdge]


_save = msgpack.Encoder().encode
_load = msgpack.Decoder(_Snapshot).decode


class PathwaysView:
    """See the head of this file. `quiet` (ms) without a fact make a pathway complete; `limit` bounds the facts held."""

    decode = staticmethod(msgpack.Decoder(list[PathFact]).decode)

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
        self._dirty: dict[str, Pathway | None] = {}
        self._hot_facts = 0
        self._deadlines: Deadlines[str] = Deadlines()
        self._now = -1
        self._emit_at: int | None = None
        self._trim_at: int | None = None
        self._out = Outputs()

    def on_facts(self, facts: list[PathFact]) -> Outputs:
        """Take in facts."""
        self._out = outputs = Outputs()
        for fact in facts:
            self._add(fact)
        self._review()
        if self.size() > self._limit:
            self._evict()
        return outputs

    def on_time(self, now: int) -> Outputs:
        """Write the pathways that have become quiet, tell the statistics what changed, forget what is too old."""
        self._out = outputs = Outputs()
        self._now = max(self._now, now)
        self._settle(self._deadlines.due(self._now))
        if self._emit_at is not None and self._emit_at <= self._now:
            self._emit_at = None
            outputs.facts += self._edges.changed()
        if self._trim_at is not None and self._trim_at <= self._now:
            self._trim()
        if self.size() > self._limit:
            self._evict()
        return outputs

    def deadline(self) -> int | None:
        """When the next trail is quiet, the statistics are told, or something is past retention."""
        return earliest(self._deadlines.next(), self._emit_at, self._trim_at)

    def size(self) -> int:
        """Facts held, those of cold trails and of edges by their bytes."""
        return self._hot_facts - (-(self._cold.weight() + self._edges.weight()) // BYTES_PER_FACT)

    # Taking in ------------------------------------------------------------------------------------------------------

    def _add(self, told: PathFact) -> None:
        trail = self._open(told.correlation_id)
        trail.last = max(trail.last, told.timestamp)
        if self._trim_at is None:
            self._trim_at = max(deadline_after(told.timestamp, self._waits.retention), self._now + 1)
        if trail.has(told.fact):
            return
        if trail.size() >= MAX_TRAIL_FACTS:
            self._cut(told.correlation_id, trail)
            return
        trail.add(told.fact.interned())
        self._hot_facts += 1

    def _open(self, correlation: str) -> Trail:
        """The trail of this correlationId, about to change."""
        trail = self._hot.get(correlation)
        if trail is None:
            trail = self._hot[correlation] = self._cold.take(correlation) or Trail()
            self._hot_facts += trail.size()
        if correlation not in self._dirty:
            self._dirty[correlation] = work_out(trail)
        return trail

    def _cut(self, correlation: str, trail: Trail) -> None:
        """Give up a fact of a trail that has too many."""
        self._out.counts["evicted"] += 1
        if not trail.is_cut:
            trail.is_cut = trail.is_pending = True
            self._find(correlation, correlationId=correlation, limit=MAX_TRAIL_FACTS)

    def _review(self) -> None:
        """Count anew the hops that changed, and let all that was touched wait until it is quiet."""
        for correlation, before in self._dirty.items():
            trail = self._hot[correlation]
            after = work_out(trail)
            if after != before:
                trail.is_pending = True
                if self._edges.replace(before.hops if before else (), after.hops if after else (), trail.last):
                    emit_at = self._tick(trail.last)
                    self._emit_at = emit_at if self._emit_at is None else min(self._emit_at, emit_at)
            trail.due = self._tick(trail.last + self._quiet)
            self._deadlines.set(correlation, trail.due)
        self._dirty = {}

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
        self._hot_facts -= trail.size()
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
        while self._cold.weight() and self.size() > target:
            for dropped in self._cold.drop_oldest():
                count, last = count + dropped.size(), max(last, dropped.last)
        for correlation in sorted(self._hot, key=lambda name: (self._hot[name].last, name)):
            if self.size() <= target:
                break
            trail = self._write(correlation, complete=False)
            count, last = count + trail.size(), max(last, trail.last)
        while self._edges.weight() and self.size() > target:
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

    def snapshot(self) -> bytes:
        """All of it."""
        cold = self._cold.snapshot() if self._cold.weight() else None
        own = self._now, self._emit_at, self._trim_at
        return _save(_Snapshot(*own, self._hot, cold, self._edges.snapshot()))

    def restore(self, snapshot: bytes) -> None:
        """Be what a snapshot says."""
        saved = _load(snapshot)
        self._now, self._emit_at, self._trim_at = saved.now, saved.emit_at, saved.trim_at
        self._hot = saved.trails
        for correlation, trail in saved.trails.items():
            trail.intern()
            self._hot_facts += trail.size()
            self._deadlines.set(correlation, trail.due)
        if saved.cold is not None:
            self._cold.restore(*saved.cold)
        self._edges.restore(saved.edges)
