"""PlaceFacts: finds out which block each fact belongs to.

In: packs for the four kinds of views, from PackByKey: SendsView learns where each SEND lies, CommitsView brings the
commits of a group and partition into order, FollowersView follows the groups through a partition, ProducersView tells
which producers of a topic are answered with offsets. Out: `traces` (every
SEND, and commits at the start of a partition, as aggregated records), `join` (packs for blocks), `findings`. Nothing is
dropped; what is past retention is forgotten.

One step holds all four kinds: a step costs in every bundle, a kind does not (docs/adr/0008).
"""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import apache_beam as beam

from transforms.locate.commits_view import CommitsView
from transforms.locate.followers_view import FollowersView
from transforms.locate.producers_view import ProducersView
from transforms.locate.sends_view import SendsView
from transforms.state.addresses import FOLLOW, JOIN, LOCATE, ORDER, PRODUCE, kind_and_key
from transforms.state.batches import Records, typed
from transforms.state.keep_view import FINDINGS, KeepView
from transforms.state.packs import KeyedPack
from transforms.state.view import View
from transforms.state.waits import Waits


class PlaceFacts(beam.PTransform):
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
        common: dict[str, Any] = {"waits": waits, "limit": limit, "block_size": block_size, "cluster": cluster}
        self._kinds: dict[str, Callable[[bytes], View]] = {
            LOCATE: partial(SendsView, is_read=is_read, **common),
            ORDER: partial(CommitsView, **common),
            FOLLOW: partial(FollowersView, **common),
            PRODUCE: partial(ProducersView, **common),
        }

    def expand(self, packs: beam.PCollection[KeyedPack]) -> Any:
        """All outputs, by name."""
        make_view = partial(_make_view, kinds=self._kinds)
        keeper = beam.ParDo(_KeepPlaces(make_view, bounded=self._bounded)).with_outputs(JOIN, FINDINGS, main="traces")
        return typed(packs | "KeepPlaces" >> keeper, traces=Records)


def _make_view(key: bytes, kinds: Mapping[str, Callable[[bytes], View]]) -> View:
    kind, own_key = kind_and_key(key)
    return kinds[kind](own_key)


class _KeepPlaces(KeepView, name="places"):
    pass
