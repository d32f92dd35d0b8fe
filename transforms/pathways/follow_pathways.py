"""FollowPathways: the ways of messages through several topics.

In: lists of `Trace`s, of which SENDs and CONSUMEs count. Out: `pathways` (lists of records, one for each correlationId
seen in several topics), `stats` (packs for KeepStats: tallies of the edges between topics), `findings` (what was given
up). See transforms/pathways/pathways_view.py.
"""

from collections.abc import Iterable, Iterator
from functools import partial
from typing import Any
from zlib import crc32

import apache_beam as beam

from transforms.input.traces import Consume, Send, Trace
from transforms.pathways.pathway_facts import Consumed, PathFact, Sent
from transforms.pathways.pathways_view import PathwaysView
from transforms.state.addresses import PATHS, STATS
from transforms.state.batches import Records, Traces, typed
from transforms.state.keep_view import FINDINGS, KeepView
from transforms.state.packs import KeyedPack, PackFacts
from transforms.state.view import Addressed
from transforms.state.waits import Waits

PATHWAYS = "pathways"
#: Event time (ms) without a fact after which a pathway is complete, unless another is given.
QUIET = 60_000


def paths_key(correlation_id: str, shards: int) -> bytes:
    """The shard where all facts of one correlationId meet, whatever their topics."""
    return b"%d" % (crc32(correlation_id.encode()) % shards)


def path_facts(traces: Iterable[Trace], _timestamp: int, shards: int) -> Iterator[Addressed]:
    """What SENDs and CONSUMEs say."""
    for trace in traces:
        fact: Sent | Consumed
        if isinstance(trace, Send):
            fact = Sent(trace.nanos, trace.topic, trace.client_id)
        elif isinstance(trace, Consume):
            fact = Consumed(trace.nanos, trace.topic, trace.client_id, trace.group_id)
        else:
            continue
        key = paths_key(trace.correlation_id, shards)
        yield PATHS, key, trace.timestamp, PathFact(trace.correlation_id, trace.timestamp, fact)


class FollowPathways(beam.PTransform):
    """See the head of this file. `shards` is frozen with the saved state; `limit` bounds the facts of each."""

    def __init__(
        self, waits: Waits, limit: int, shards: int, *, quiet: int = QUIET, cluster: str = "", bounded: bool = False
    ) -> None:
        super().__init__()
        self._shards = shards
        self._bounded = bounded
        self._make_view = partial(PathwaysView, waits=waits, quiet=quiet, limit=limit, cluster=cluster)

    def expand(self, traces: beam.PCollection[Traces]) -> Any:
        """All outputs, by name."""
        pack = beam.ParDo(PackFacts(partial(path_facts, shards=self._shards))).with_output_types(KeyedPack)
        keep = beam.ParDo(_KeepPathways(self._make_view, bounded=self._bounded))
        packs = traces | "PackPaths" >> pack
        return typed(packs | "KeepPathways" >> keep.with_outputs(STATS, FINDINGS, main=PATHWAYS), pathways=Records)


class _KeepPathways(KeepView, name="pathways"):
    pass
