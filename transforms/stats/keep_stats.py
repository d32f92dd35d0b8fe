"""KeepStats: keeps the statistics of each window and writes them to the statistics topic.

In: packs for windows and for pairs of clients, from JoinBlocks, LimitFindings and FollowPathways. Out: lists of records
(key and value), upserts. See transforms/stats/stats_view.py.
"""

from functools import partial

import apache_beam as beam

from transforms.state.batches import Records
from transforms.state.keep_view import KeepView
from transforms.state.packs import KeyedPack
from transforms.state.waits import Waits
from transforms.stats.stats_view import StatsView


class KeepStats(beam.PTransform):
    """See the head of this file. Packs of bounded input say when it ends."""

    def __init__(self, waits: Waits, *, cluster: str = "", bounded: bool = False) -> None:
        super().__init__()
        self._bounded = bounded
        self._make_view = partial(StatsView, waits=waits, cluster=cluster, bounded=bounded)

    def expand(self, packs: beam.PCollection[KeyedPack]) -> beam.PCollection[Records]:
        """The records."""
        keeper = _KeepWindows(self._make_view, bounded=self._bounded)
        return packs | "KeepWindows" >> beam.ParDo(keeper).with_output_types(Records)


class _KeepWindows(KeepView, name="stats"):
    pass
