"""JoinBlocks: joins all facts about the messages of a block of offsets.

In: packs for blocks, from PackByKey and PlaceFacts. Out: `traces` (every ACK, CONSUME and COMMIT, as lists of
aggregated records), `findings`, `stats` (packs for windows and for clocks of clients). Nothing is dropped; what is past
retention is forgotten. See transforms/join/block_view.py.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

import apache_beam as beam

from transforms.findings.sla import Sla
from transforms.join.block_view import BlockView
from transforms.state.addresses import STATS
from transforms.state.batches import Records, typed
from transforms.state.keep_view import FINDINGS, KeepView
from transforms.state.packs import KeyedPack
from transforms.state.waits import Waits


class JoinBlocks(beam.PTransform):
    """See the head of this file.

    `exact` lets a commit settle the one record at its own offset only; `is_compacted` says of which topics messages
    may vanish.
    """

    def __init__(
        self,
        waits: Waits,
        limit: int,
        block_size: int,
        *,
        exact: bool = False,
        cluster: str = "",
        sla: Sla | None = None,
        is_compacted: Callable[[str], bool] | None = None,
        bounded: bool = False,
    ) -> None:
        super().__init__()
        self._bounded = bounded
        options: dict[str, Any] = {"exact": exact, "cluster": cluster, "sla": sla, "is_compacted": is_compacted}
        self._make_view = partial(BlockView, waits=waits, limit=limit, block_size=block_size, **options)

    def expand(self, packs: beam.PCollection[KeyedPack]) -> Any:
        """All outputs, by name."""
        keeper = beam.ParDo(_KeepBlocks(self._make_view, bounded=self._bounded))
        return typed(packs | "KeepBlocks" >> keeper.with_outputs(FINDINGS, STATS, main="traces"), traces=Records)


class _KeepBlocks(KeepView, name="blocks"):
    pass
