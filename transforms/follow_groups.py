"""FollowGroups: says which messages each group should read, and how far it came.

In: packs for (topic, partition). Out: `join` (packs for blocks), `findings`. See transforms/followers_view.py.
"""

from collections.abc import Iterator
from functools import partial
from typing import Any

import apache_beam as beam
from apache_beam.transforms.timeutil import TimeDomain
from apache_beam.transforms.userstate import BagStateSpec, TimerSpec, on_timer
from apache_beam.utils.timestamp import Timestamp

from transforms.addresses import JOIN
from transforms.followers_view import FollowersView
from transforms.journal import Bag, SegmentCoder
from transforms.keep_view import FINDINGS, KeepView
from transforms.packs import KeyedPack
from transforms.waits import Waits


class FollowGroups(beam.PTransform):
    """See the head of this file."""

    def __init__(self, waits: Waits, limit: int, block_size: int, *, cluster: str = "", bounded: bool = False) -> None:
        super().__init__()
        self._bounded = bounded
        self._make_view = partial(FollowersView, waits=waits, limit=limit, block_size=block_size, cluster=cluster)

    def expand(self, packs: beam.PCollection[KeyedPack]) -> Any:
        """All outputs, by name."""
        return packs | "KeepFollowers" >> beam.ParDo(
            _KeepFollowers(self._make_view, bounded=self._bounded)
        ).with_outputs(JOIN, FINDINGS)


class _KeepFollowers(KeepView):
    JOURNAL = BagStateSpec("followers_journal", SegmentCoder())
    DEADLINE = TimerSpec("followers_deadline", TimeDomain.WATERMARK)

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
