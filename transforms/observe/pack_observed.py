"""Facts for the views of observed partitions and groups, of what the reader gives.

In: `ObservedBatch`es; batches of `__consumer_offsets`. Out: packs. Commits in topics that are not observed are dropped,
records that are not understood are counted and dropped.
"""

from collections.abc import Callable, Iterator
from typing import Any

import apache_beam as beam
import numpy as np
from apache_beam import pvalue

from transforms.input.record_batch import RecordBatch
from transforms.input.records import LATEST_TIMESTAMP
from transforms.observe.consumer_offsets import (
    ClassicGroup,
    GroupEpoch,
    GroupMember,
    OffsetCommitted,
    OffsetsRecord,
    Unknown,
    parse,
)
from transforms.observe.observe_facts import (
    ClassicMembers,
    CommitsThere,
    Committed,
    EpochBegan,
    GroupFact,
    MemberChanged,
    Positions,
)
from transforms.observe.observed_batch import ObservedBatch
from transforms.observe.observed_group import MINUTE_MS
from transforms.state import counters
from transforms.state.addresses import GROUPS, OBSERVE, group_key, partition_key
from transforms.state.packs import Packer
from transforms.state.view import Addressed


def positions_of(batch: ObservedBatch, max_ahead_ms: int) -> Iterator[Addressed]:
    """The fact of a batch.

    A record without a time has that of the reading, and none is dated further than `max_ahead_ms` after that.
    """
    times = np.frombuffer(batch.timestamps, np.int64)
    latest = min(batch.read_ms + max_ahead_ms, LATEST_TIMESTAMP)
    times = np.where(times > 0, np.minimum(times, latest), batch.read_ms)
    fact = Positions(batch.offsets, times.tobytes(), batch.next_offset, batch.read_ms, _minutes(batch, times))
    earliest = int(times.min(initial=batch.read_ms))
    yield OBSERVE, partition_key(batch.topic, batch.partition), earliest, fact


def _minutes(batch: ObservedBatch, times: "np.ndarray[Any, Any]") -> list[tuple[int, int, int, int, int]]:
    starts, places, counts = np.unique(times // MINUTE_MS, return_inverse=True, return_counts=True)
    names = batch.correlation_ids or [None] * len(batch)
    columns = (
        np.frombuffer(batch.sizes, np.int32),
        np.array([name is not None for name in names], np.uint8),
        np.frombuffer(batch.append_times, np.uint8),
    )
    sums = (np.bincount(places, column, len(starts)).astype(np.int64).tolist() for column in columns)
    return list(zip((starts * MINUTE_MS).tolist(), counts.tolist(), *sums, strict=True))


def facts_of_offsets(
    record: OffsetsRecord, at: int, sequence: int, observes: Callable[[str], bool]
) -> Iterator[Addressed]:
    """The facts of a record of `__consumer_offsets` that was written at this time (ms)."""
    if isinstance(record, OffsetCommitted):
        if observes(record.topic):
            committed_at = record.committed_ms if record.committed_ms > 0 else at
            key = partition_key(record.topic, record.partition)
            yield OBSERVE, key, at, Committed(record.group, record.offset, committed_at, sequence)
            place = CommitsThere(record.topic, record.partition, at, sequence)
            yield GROUPS, group_key(record.group), at, place
    elif isinstance(record, ClassicGroup | GroupEpoch | GroupMember):
        fact = _of_members(record, at, sequence, observes)
        if fact is not None:
            yield GROUPS, group_key(record.group), at, fact


def _of_members(
    record: ClassicGroup | GroupEpoch | GroupMember, at: int, sequence: int, observes: Callable[[str], bool]
) -> GroupFact | None:
    if isinstance(record, ClassicGroup):
        places = [
            (topic, number)
            for member in record.members
            for topic, numbers in member.assigned.items()
            if observes(topic)
            for number in numbers
        ]
        return ClassicMembers(len(record.members), record.generation, places, at, sequence)
    if isinstance(record, GroupMember):
        return MemberChanged(record.member_id, not record.is_gone, at, sequence)
    return None if record.epoch is None else EpochBegan(record.epoch, at, sequence)


class PackCommits(beam.DoFn):
    """Packs the facts of batches of `__consumer_offsets`: for partitions on the main output, for groups on `groups`."""

    def __init__(self, observes: Callable[[str], bool]) -> None:
        self._observes = observes
        self._known: dict[str, bool] = {}
        self._packer = Packer()

    def start_bundle(self) -> None:
        """Nothing of a failed bundle is sent."""
        self._packer = Packer()

    def process(self, batch: RecordBatch) -> Iterator[Any]:
        """Gather; a full pack leaves at once."""
        for record in batch.records():
            parsed = parse(record.key, record.value)
            if isinstance(parsed, Unknown):
                counters.UNKNOWN_OFFSETS.inc()
            at = min(max(record.timestamp, 1), LATEST_TIMESTAMP)
            for fact in facts_of_offsets(parsed, at, record.offset, self._is_observed):
                if self._packer.add(fact):
                    destination, key, *_ = fact
                    yield _output(destination, self._packer.take(destination, key))

    def finish_bundle(self) -> Iterator[Any]:
        """One pack for each key."""
        return (_output(*each) for each in self._packer.flush())

    def _is_observed(self, topic: str) -> bool:
        found = self._known.get(topic)
        if found is None:
            found = self._known[topic] = self._observes(topic)
        return found


def _output(destination: str, pack: Any) -> Any:
    return pack if destination == OBSERVE else pvalue.TaggedOutput(GROUPS, pack)
