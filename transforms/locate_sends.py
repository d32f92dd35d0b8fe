"""LocateSends: gives each SEND its partition and offset.

In: packs for shards of (correlationId, topic). Out: `traces` (every SEND, as an aggregated record), `join` (packs for
the blocks where SENDs lie), `findings`. Nothing is dropped; what is past retention is forgotten. See
transforms/sends_view.py.
"""

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import apache_beam as beam
from apache_beam.transforms.timeutil import TimeDomain
from apache_beam.transforms.userstate import BagStateSpec, TimerSpec, on_timer
from apache_beam.utils.timestamp import Timestamp

from transforms.addresses import JOIN
from transforms.journal import Bag, SegmentCoder
from transforms.keep_view import FINDINGS, KeepView
from transforms.packs import KeyedPack
from transforms.sends_view import SendsView
from transforms.waits import Waits


class LocateSends(beam.PTransform):
    """See the head of this file. `is_read` says of which topics the headers are read."""

    def __init__(
        self,
        waits: Waits,
        limit: int,
        block_size: int,
        *,
        cluster: str = "",
        bounded: bool = False,
        is_read: Callable[[str], bool] | None = None,
    ) -> None:
        super().__init__()
        self._bounded = bounded
        self._make_view = partial(
            SendsView, waits=waits, limit=limit, block_size=block_size, cluster=cluster, is_read=is_read
        )

    def expand(self, packs: beam.PCollection[KeyedPack]) -> Any:
        """All outputs, by name."""
        return packs | "KeepSends" >> beam.ParDo(_KeepSends(self._make_view, bounded=self._bounded)).with_outputs(
            JOIN, FINDINGS, main="traces"
        )


class _KeepSends(KeepView):
    JOURNAL = BagStateSpec("sends_journal", SegmentCoder())
    DEADLINE = TimerSpec("sends_deadline", TimeDomain.WATERMARK)

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
