"""EdgeTallies: what one shard knows of the traffic from topic to topic, per edge and minute, for the statistics.

A tally is told whole, and again when it changed, so whoever reads it replaces what this shard told before. The
durations themselves are kept, 16 bytes a hop: a late fact may move a hop, and a sketch cannot take a value back.
"""

from array import array
from collections.abc import Iterable, Iterator
from contextlib import suppress
from typing import NamedTuple

from msgspec import Struct

from transforms.input.dates import NANOS_PER_MILLI
from transforms.pathways.pathway_record import Hop
from transforms.state.addresses import STATS, window_key
from transforms.state.view import Addressed
from transforms.stats.latency_sketch import LatencySketch
from transforms.stats.stats_facts import EdgeTallied, EdgeTally

_MINUTE = 60_000
#: Rough size in memory of a tally without its durations.
_TALLY_BYTES = 500


class Edge(NamedTuple):
    """From topic to topic by a group, in the minute (ms) of the SEND into the second one."""

    window: int
    from_topic: str
    group_id: str
    to_topic: str


class SavedEdge(Struct, array_like=True, gc=False):
    """An edge in a snapshot; durations are the bytes of arrays. It `is_dirty` if it was not told since it changed."""

    edge: Edge
    is_dirty: bool
    last: int
    ambiguous: int
    sequence: int
    residence: bytes
    from_origin: bytes


class _Durations:
    """Residences and latencies from the origin (ms) of all hops of an edge. `last`: its newest fact (Kafka ms).

    Of `ambiguous` hops it is a guess that this group sent them. `sequence` is how often they were told.
    """

    __slots__ = ("ambiguous", "from_origin", "last", "residence", "sequence")

    def __init__(self) -> None:
        self.last = 0
        self.ambiguous = 0
        self.sequence = 0
        self.residence = array("q")
        self.from_origin = array("q")

    def __len__(self) -> int:
        return len(self.residence) + len(self.from_origin)

    def add(self, residence: int, from_origin: int | None, *, is_ambiguous: bool) -> None:
        self.ambiguous += is_ambiguous
        self.residence.append(residence)
        if from_origin is not None:
            self.from_origin.append(from_origin)

    def remove(self, residence: int, from_origin: int | None, *, is_ambiguous: bool) -> None:
        with suppress(ValueError):  # forgotten, and begun anew by a later hop
            self.residence.remove(residence)
            self.ambiguous -= is_ambiguous
            if from_origin is not None:
                self.from_origin.remove(from_origin)

    def tally(self) -> EdgeTally | None:
        if not self.residence:
            return None
        sketches = _sketch(self.residence), _sketch(self.from_origin)
        return EdgeTally(len(self.residence), max(self.ambiguous, 0), *sketches)


class EdgeTallies:
    """See the head of this file."""

    def __init__(self, shard: str) -> None:
        self._shard = shard
        self._edges: dict[Edge, _Durations] = {}
        self._dirty: dict[Edge, None] = {}
        self._values = 0

    def weight(self) -> int:
        """Bytes in memory; 0 if and only if there is nothing."""
        return len(self._edges) * _TALLY_BYTES + 8 * self._values

    def replace(self, before: Iterable[Hop], after: Iterable[Hop], timestamp: int) -> bool:
        """The hops of one message are others by a fact of this time (Kafka ms); whether there are changes to tell."""
        gone = [step for hop in before if (step := _step(hop)) is not None]
        new = []
        for step in (step for hop in after if (step := _step(hop)) is not None):
            if step in gone:
                gone.remove(step)
            else:
                new.append(step)
        for edge, durations, is_ambiguous in new:
            self._open(edge, timestamp).add(*durations, is_ambiguous=is_ambiguous)
            self._values += 2
        for edge, durations, is_ambiguous in gone:
            if edge in self._edges:  # else it is past retention, and what was told of it stands
                self._open(edge, timestamp).remove(*durations, is_ambiguous=is_ambiguous)
        return bool(self._dirty)

    def changed(self, edges: Iterable[Edge] | None = None) -> Iterator[Addressed]:
        """The tallies of these edges (all: None) that changed since this was asked last."""
        for edge in [edge for edge in (self._dirty if edges is None else edges) if edge in self._dirty]:
            del self._dirty[edge]
            known = self._edges[edge]
            known.sequence += 1
            fact = EdgeTallied(self._shard, edge.from_topic, edge.group_id, known.tally(), known.last, known.sequence)
            yield STATS, window_key(edge.to_topic, edge.window), known.last, fact

    def forget(self, before: int) -> Iterator[Addressed]:
        """Forget the edges without a fact after this time (ms); what was not told yet of them is told."""
        edges = [edge for edge, known in self._edges.items() if known.last <= before]
        yield from self.changed(edges)
        for edge in edges:
            del self._edges[edge]
        self._values = sum(map(len, self._edges.values()))

    def ages(self) -> list[int]:
        """The time (Kafka ms) of the last fact of each edge."""
        return [known.last for known in self._edges.values()]

    def snapshot(self) -> list[SavedEdge]:
        """What `restore` takes."""
        return [
            SavedEdge(
                edge, edge in self._dirty, known.last, known.ambiguous, known.sequence, known.residence.tobytes(),
                known.from_origin.tobytes(),
            )
            for edge, known in self._edges.items()
        ]  # fmt: skip

    def restore(self, edges: list[SavedEdge]) -> None:
        """Be what a snapshot says."""
        for saved in edges:
            known = self._edges[saved.edge] = _Durations()
            known.last, known.ambiguous, known.sequence = saved.last, saved.ambiguous, saved.sequence
            known.residence.frombytes(saved.residence)
            known.from_origin.frombytes(saved.from_origin)
            self._values += len(known)
            if saved.is_dirty:
                self._dirty[saved.edge] = None

    def _open(self, edge: Edge, timestamp: int) -> _Durations:
        known = self._edges.setdefault(edge, _Durations())
        known.last = max(known.last, timestamp)
        self._dirty[edge] = None
        return known


def _step(hop: Hop) -> tuple[Edge, tuple[int, int | None], bool] | None:
    """Where a hop counts, what, and whether that is a guess; None if no group took it, or it leads nowhere."""
    if hop.consumed is None or hop.sent is None or hop.residence is None:
        return None
    window = hop.sent.nanos // (_MINUTE * NANOS_PER_MILLI) * _MINUTE
    edge = Edge(window, hop.consumed.topic, hop.consumed.group_id, hop.sent.topic)
    return edge, (hop.residence, hop.from_origin), hop.is_ambiguous


def _sketch(durations: Iterable[int]) -> LatencySketch:
    sketch = LatencySketch()
    for duration in durations:
        sketch.add(duration)
    return sketch
