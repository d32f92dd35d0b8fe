"""KeepStats: keeps the statistics of each window and writes them to the statistics topic.

In: packs for windows and for pairs of clients, from JoinBlocks, LimitFindings and FollowPathways. Out: records (key and
value), upserts. See transforms/stats_view.py.
"""

from collections.abc import Iterator
from functools import partial
from typing import Any

import apache_beam as beam
from apache_beam.transforms.timeutil import TimeDomain
from apache_beam.transforms.userstate import BagStateSpec, TimerSpec, on_timer
from apache_beam.utils.timestamp import Timestamp

from transforms.journal import Bag, SegmentCoder
from transforms.keep_view import KeepView
from transforms.packs import KeyedPack
from transforms.records import KeyValue
from transforms.stats_view import StatsView
from transforms.waits import Waits


class KeepStats(beam.PTransform):
    """See the head of this file. Packs of bounded input say when it ends."""

    def __init__(self, waits: Waits, *, cluster: str = "", bounded: bool = False) -> None:
        super().__init__()
        self._bounded = bounded
        self._make_view = partial(StatsView, waits=waits, cluster=cluster, bounded=bounded)

    def expand(self, packs: beam.PCollection[KeyedPack]) -> beam.PCollection[KeyValue]:
        """The records."""
        keeper = _KeepWindows(self._make_view, bounded=self._bounded)
        return packs | "KeepWindows" >> beam.ParDo(keeper).with_output_types(KeyValue)


class _KeepWindows(KeepView):
    JOURNAL = BagStateSpec("stats_journal", SegmentCoder())
    DEADLINE = TimerSpec("stats_deadline", TimeDomain.WATERMARK)

    def process(
        self,
        element: KeyedPack,
        journal: Bag = beam.DoFn.StateParam(JOURNAL),
        deadline: Any = beam.DoFn.TimerParam(DEADLINE),
    ) -> Iterator[Any]:
        return self.absorb(element, journal, deadline)

    @on_timer(DEADLINE)
    def on_deadline(
        self,
        key: bytes = beam.DoFn.KeyParam,
        fired: Timestamp = beam.DoFn.TimestampParam,
        journal: Bag = beam.DoFn.StateParam(JOURNAL),
        deadline: Any = beam.DoFn.TimerParam(DEADLINE),
    ) -> Iterator[Any]:
        return self.expire(key, fired, journal, deadline)
