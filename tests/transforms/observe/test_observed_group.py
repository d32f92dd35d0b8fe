from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st
from msgspec import msgpack

from tests.transforms.observe.test_position_log import NOW, add, log_of
from transforms.observe.observed_group import MINUTE_MS, GroupMinute, LagSample, ObservedGroup, Rewind
from transforms.observe.position_log import PositionLog

START = NOW - NOW % MINUTE_MS


def minute_of(group: ObservedGroup, number: int = 0) -> GroupMinute:
    return group.minutes[START + number * MINUTE_MS]


def group_at(offset: int, at: int = START, sequence: int = 0) -> ObservedGroup:
    group = ObservedGroup()
    group.commit(offset, at, sequence)
    return group


def test_the_first_commit_says_where_the_group_is_and_settles_nothing():
    group = group_at(5)
    group.settle(log_of((0, START), (4, START), (5, START)))
    assert (minute_of(group).commits, minute_of(group).settled) == (1, 0)


def test_each_commit_settles_what_lies_between_it_and_the_highest_before():
    group = group_at(1)
    group.commit(3, START + 1_000, 1)
    group.settle(log_of((0, START), (1, START + 100), (2, START + 400)))
    found = minute_of(group)
    assert (found.settled, found.latencies.min, found.latencies.max) == (2, 600, 900)


def test_a_commit_beyond_what_was_read_waits_for_the_reader():
    group, log = group_at(1), log_of((0, START))
    group.commit(3, START + 1_000, 1)
    group.settle(log)
    assert minute_of(group).settled == 0
    add(log, (1, START + 100), (2, START + 400))
    group.settle(log)
    assert minute_of(group).settled == 2


def test_a_commit_below_the_one_before_is_a_rewind_and_what_it_commits_again_is_not_settled_again():
    group, log = group_at(0), log_of((0, START), (1, START), (2, START))
    group.commit(2, START, 1)
    assert group.commit(1, START + 5, 2) == Rewind(1, 2, START + 5, 2)
    assert group.commit(3, START + 9, 3) is None
    group.settle(log)
    assert (minute_of(group).rewinds, minute_of(group).settled, minute_of(group).latencies.count) == (1, 3, 3)


def test_a_commit_that_was_seen_already_changes_nothing():
    group = group_at(5, sequence=7)
    assert group.commit(2, START, 7) is None
    assert (group.committed, minute_of(group).commits) == (5, 1)


def test_a_deleted_offset_leaves_the_group_without_one():
    group = group_at(5)
    group.commit(None, START, 1)
    assert group.sample(log_of((0, START)), START) is None


def test_lag_is_what_was_written_and_not_committed_and_the_age_of_the_oldest():
    group, log = group_at(1), log_of((0, START), (1, START + 100), (3, START + 400), end=6)
    assert group.sample(log, START + 1_000) == LagSample(START + 1_000, 2, 5, 900, 1_000, is_bound=False)


def test_a_group_that_has_committed_all_has_no_lag():
    group, log = group_at(2), log_of((0, START), (1, START + 100))
    assert group.sample(log, START + 1_000) == LagSample(START + 1_000, 0, 0, 0, 1_000, is_bound=False)


def test_of_a_group_below_what_is_known_the_lag_is_a_bound():
    sample = group_at(10).sample(log_of((15, START)), START + 10)
    assert sample is not None
    assert (sample.lag, sample.offset_lag, sample.is_bound) == (6, 6, True)


def test_a_minute_is_closed_by_a_commit_a_minute_after_its_end_and_takes_no_other():
    group = group_at(1)
    group.commit(2, START + MINUTE_MS, 1)
    assert group.closed(START, 10 * MINUTE_MS) == []
    group.commit(3, START + 2 * MINUTE_MS, 2)
    group.settle(log_of((0, START), (1, START), (2, START)))
    assert group.closed(START, 10 * MINUTE_MS) == [START]
    group.commit(4, START, 3)
    assert minute_of(group, 1).commits == 2


def test_a_minute_stays_open_while_a_commit_in_it_waits_for_the_reader():
    group = group_at(1)
    group.commit(2, START, 1)
    group.commit(3, START + 5 * MINUTE_MS, 2)
    assert group.closed(START, 10 * MINUTE_MS) == []


def test_a_minute_with_nothing_but_lag_is_let_go_when_it_is_over():
    group = group_at(1)
    group.note(LagSample(START + MINUTE_MS, 1, 1, 1, 1, is_bound=False))
    assert group.idle(START + 2 * MINUTE_MS) == []
    assert group.idle(START + 3 * MINUTE_MS) == [START + MINUTE_MS]


def test_a_group_comes_back_from_its_bytes():
    group = group_at(1)
    group.commit(9, START + 5, 1)
    group.count_members(2, 7, 3)
    group.note(LagSample(START, 1, 2, 3, 4, is_bound=True))
    assert msgpack.decode(msgpack.encode(group), type=ObservedGroup) == group


@given(
    st.lists(st.integers(0, 12), min_size=1, max_size=12),
    st.lists(st.integers(0, 12), max_size=4),
    st.randoms(use_true_random=False),
)
def test_commits_and_positions_in_any_mixture_settle_the_same(offsets, cuts, random):
    """Each in its own order."""
    rows = [(number, START + 10 * number) for number in range(12)]
    bounds = sorted({0, *cuts, 12})
    reads = [rows[low:high] for low, high in pairwise(bounds)]
    commits = [(offset, START + 500 + number, number) for number, offset in enumerate(offsets)]
    groups = []
    for mixed in (False, True):
        group, log = ObservedGroup(), PositionLog()
        steps = ["read"] * len(reads) + ["commit"] * len(commits)
        if mixed:
            random.shuffle(steps)
        todo = {"read": iter(reads), "commit": iter(commits)}
        for step in steps:
            if step == "read":
                add(log, *next(todo["read"]))
            else:
                group.commit(*next(todo["commit"]))
            group.settle(log)
        groups.append(group)
    assert groups[0] == groups[1]
