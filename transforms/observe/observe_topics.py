"""ObserveTopics: statistics and findings of topics and groups that nobody traces.

    positions ─ PackPositions ──────────────────────────────┐
    commits ─── PackCommits ─ partitions ───────────────────┼─ KeepPartitions ─ records, findings
                            └ groups ─ KeepGroups ─ members ┘

In: where the records of observed topics lie, and batches of `__consumer_offsets`. Out: lists of records for the
statistics topic on the main output; `findings`. Labels are part of the saved state.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

import apache_beam as beam

from transforms.observe.groups_view import GroupsView
from transforms.observe.pack_observed import PackCommits, positions_of
from transforms.observe.partition_view import ObservedPartitionView
from transforms.state.addresses import GROUPS, OBSERVE
from transforms.state.batches import Records, typed
from transforms.state.keep_view import FINDINGS, KeepView
from transforms.state.packs import KeyedPack, MergePacks, PackFacts
from transforms.state.waits import Waits


class ObserveTopics(beam.PTransform):
    """See the head of this file. `observes` says which topics are observed; packs of bounded input say its `end`."""

    def __init__(
        self,
        waits: Waits,
        observes: Callable[[str], bool],
        max_ahead_ms: int,
        *,
        cluster: str = "",
        end: beam.PCollection[int] | None = None,
    ) -> None:
        super().__init__()
        self._bounded = end is not None
        self._end = end
        self._observes = observes
        self._pack = partial(_positions, max_ahead_ms=max_ahead_ms)
        self._make_group = partial(GroupsView, waits=waits)
        self._make_partition = partial(ObservedPartitionView, waits=waits, cluster=cluster, bounded=self._bounded)

    def expand(self, inputs: tuple[beam.PCollection, beam.PCollection]) -> Any:
        """Both outputs, by name."""
        positions, commits = inputs
        packed = positions | "PackPositions" >> beam.ParDo(PackFacts(self._pack)).with_output_types(KeyedPack)
        told = commits | "PackCommits" >> beam.ParDo(PackCommits(self._observes)).with_outputs(GROUPS, main="commits")
        groups = (told[GROUPS],) | "MergeGroups" >> MergePacks()
        keep_groups = beam.ParDo(_KeepGroups(self._make_group, bounded=self._bounded))
        members = groups | "KeepGroups" >> keep_groups.with_outputs(OBSERVE, FINDINGS, main="nothing")
        facts = (packed, told.commits, members[OBSERVE]) | "MergeObserved" >> MergePacks(self._end)
        keep_partitions = beam.ParDo(_KeepPartitions(self._make_partition, bounded=self._bounded))
        kept = facts | "KeepPartitions" >> keep_partitions.with_outputs(FINDINGS, main="records")
        return typed(kept, records=Records)


def _positions(batch: Any, _: int, max_ahead_ms: int) -> Any:
    return positions_of(batch, max_ahead_ms)


class _KeepGroups(KeepView, name="groups"):
    pass


class _KeepPartitions(KeepView, name="observed"):
    pass
