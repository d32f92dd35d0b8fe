from typing import Any

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from transforms.input.record_batch import RecordBatch
from transforms.input.records import KafkaRecord
from transforms.observe.consumer_offsets import (
    ClassicGroup,
    ClassicMember,
    GroupEpoch,
    GroupMember,
    NotAskedFor,
    OffsetCommitted,
    Unknown,
)
from transforms.observe.observe_facts import ClassicMembers, CommitsThere, Committed, EpochBegan, MemberChanged
from transforms.observe.observed_batch import ObservedBatch
from transforms.observe.pack_observed import PackCommits, facts_of_offsets, positions_of
from transforms.state.addresses import GROUPS, OBSERVE, partition_key

NOW = 1_700_000_040_000
MINUTE = 60_000


def batch(*rows: tuple[int, int, bool, int], names: list[str | None] | None = None) -> ObservedBatch:
    return ObservedBatch.of(("orders", 3), 99, NOW, rows, names or [None] * len(rows))


def facts(record: Any) -> list[tuple[str, bytes, Any]]:
    found = facts_of_offsets(record, NOW, 7, lambda topic: topic == "orders")
    return [(destination, key, fact) for destination, key, _, fact in found]


def test_positions_go_to_their_partition_with_what_each_minute_has():
    rows = (5, NOW, True, 10), (6, NOW + 1, False, 20), (9, NOW - MINUTE, True, 30)
    [(destination, key, at, fact)] = positions_of(batch(*rows, names=["c", None, "d"]), 0)
    assert (destination, key, at) == (OBSERVE, partition_key("orders", 3), NOW - MINUTE)
    assert np.frombuffer(fact.offsets, np.int64).tolist() == [5, 6, 9]
    start = NOW - NOW % MINUTE
    assert fact.minutes == [(start - MINUTE, 1, 30, 1, 1), (start, 2, 30, 1, 1)]
    assert (fact.next_offset, fact.read_ms) == (99, NOW)


def test_times_that_cannot_be_are_those_of_the_reading():
    [(*_, fact)] = positions_of(batch((5, -1, False, 1), (6, NOW + 5_000, False, 1), (7, 2**62, False, 1)), 1_000)
    assert np.frombuffer(fact.times, np.int64).tolist() == [NOW, NOW + 1_000, NOW + 1_000]


def test_a_batch_without_records_tells_how_far_the_partition_was_read():
    [(_, _, at, fact)] = positions_of(batch(), 0)
    assert (at, fact.next_offset, fact.minutes) == (NOW, 99, [])


def test_a_commit_goes_to_its_partition_with_its_own_date_and_its_place_to_the_group():
    commit = OffsetCommitted("billing", "orders", 3, 42, NOW - 5)
    key = partition_key("orders", 3)
    assert facts(commit) == [
        (OBSERVE, key, Committed("billing", 42, NOW - 5, 7)),
        (GROUPS, b"billing", CommitsThere("orders", 3, NOW, 7)),
    ]
    assert facts(commit._replace(offset=None, committed_ms=-1))[0] == (OBSERVE, key, Committed("billing", None, NOW, 7))


def test_what_is_of_no_observed_topic_or_of_no_use_is_dropped():
    for record in (
        OffsetCommitted("billing", "others", 3, 42, NOW),
        NotAskedFor(7),
        Unknown(""),
        GroupEpoch("g", None),
    ):
        assert facts(record) == []


def test_members_and_epochs_go_to_their_group():
    member = ClassicMember("m", "c", "/h", {"orders": [0, 2], "others": [1]})
    assert facts(ClassicGroup("billing", 5, [member])) == [
        (GROUPS, b"billing", ClassicMembers(1, 5, [("orders", 0), ("orders", 2)], NOW, 7))
    ]
    assert facts(ClassicGroup("billing", 0, [], is_gone=True)) == [
        (GROUPS, b"billing", ClassicMembers(0, 0, [], NOW, 7))
    ]
    assert facts(GroupMember("billing", "m", is_gone=True)) == [
        (GROUPS, b"billing", MemberChanged("m", is_there=False, at=NOW, sequence=7))
    ]
    assert facts(GroupEpoch("billing", 4)) == [(GROUPS, b"billing", EpochBegan(4, NOW, 7))]


@given(st.none() | st.binary(max_size=40), st.none() | st.binary(max_size=90), st.integers(-1, 2**62))
def test_no_bytes_and_no_time_of_a_record_stop_the_job(key, value, timestamp):
    step = PackCommits(lambda topic: True)
    step.start_bundle()
    records = RecordBatch.of([KafkaRecord("__consumer_offsets", 0, 5, timestamp, key, value)])
    assert list(step.process(records)) == []
    assert len(list(step.finish_bundle())) <= 2
