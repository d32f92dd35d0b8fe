"""Which commit settles which delivery."""

from itertools import permutations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from transforms.join.block_facts import Commit, JoinedTrace
from transforms.join.settlement import Settlement
from transforms.state.facts import CommitUpTo

Step = tuple[str, str, int, int]


def delivery(identity: str, nanos: int, timestamp: int = 0) -> JoinedTrace:
    return JoinedTrace(identity, nanos, 9, "c", timestamp, "x", None, deadline=0)


def commit(identity: str, offset: int, nanos: int, timestamp: int, slot: int) -> Commit:
    told = CommitUpTo(
        offset, identity, nanos, 9, "c", timestamp, "g", extra=None, repeated=False, is_home=True, version=1
    )
    return Commit(told, deadline=0, slot=slot)


def result(steps: list[Step], *, exact: bool = False) -> dict[str, dict[int, list[str]]]:
    """Per commit the offsets and deliveries that it settles; steps are (kind, id, offset, date in ms)."""
    settlement = Settlement(exact=exact)
    commits = []
    for kind, identity, offset, at in steps:
        if kind == "read":
            settlement.deliver(offset, delivery(identity, at * 10**6, at))
        else:
            commits.append(commit(identity, offset, at * 10**6, at, settlement.next_slot))
            settlement.commit(commits[-1])
    return {
        commit.id: {offset: sorted(one.id for one in held) for offset, held in sorted(commit.settled.items())}
        for commit in commits
    }


READS: list[Step] = [("read", "r0", 0, 1), ("read", "r1", 1, 2), ("read", "r2", 2, 3)]


@pytest.mark.parametrize(
    ("steps", "settled"),
    [
        ([*READS, ("commit", "k", 1, 9)], {"k": {0: ["r0"], 1: ["r1"]}}),
        ([*READS, ("commit", "k", 2, 2)], {"k": {0: ["r0"], 1: ["r1"]}}),
        ([*READS, ("commit", "k", 2, 3)], {"k": {0: ["r0"], 1: ["r1"], 2: ["r2"]}}),
        ([*READS, ("commit", "k1", 0, 5), ("commit", "k2", 2, 6)], {"k1": {0: ["r0"]}, "k2": {1: ["r1"], 2: ["r2"]}}),
        ([*READS, ("commit", "k1", 2, 5), ("commit", "k2", 2, 6)], {"k1": {0: ["r0"], 1: ["r1"], 2: ["r2"]}, "k2": {}}),
        ([*READS, ("commit", "ka", 2, 5), ("commit", "kb", 1, 5)], {"kb": {0: ["r0"], 1: ["r1"]}, "ka": {2: ["r2"]}}),
        ([*READS[:1], ("read", "again", 0, 4), ("commit", "k1", 0, 3), ("commit", "k2", 0, 5)],
         {"k1": {0: ["r0"]}, "k2": {0: ["again"]}}),
        ([*READS[:1], ("read", "again", 0, 4), ("commit", "k", 0, 5)], {"k": {0: ["again", "r0"]}}),
    ],
)  # fmt: skip
def test_the_first_later_commit_at_or_beyond_settles_in_any_order_of_arrival(steps, settled):
    for order in permutations(steps):
        assert settled == result(list(order))


def test_in_exact_mode_a_commit_settles_its_own_offset_only():
    steps: list[Step] = [*READS, ("commit", "k", 1, 9)]
    for order in permutations(steps):
        assert result(list(order), exact=True) == {"k": {1: ["r1"]}}


def test_what_is_forgotten_is_settled_by_nobody_and_a_commit_stays_as_long_as_what_it_settles():
    settlement = Settlement(exact=False)
    held = [delivery(f"r{n}", n) for n in range(3)]
    for offset, one in enumerate(held):
        settlement.deliver(offset, one)
    first = commit("k1", 1, 10, 0, settlement.next_slot)
    settlement.commit(first)
    assert settlement.forget(held[:1], before=5, settling=set()) == []
    assert list(first.settled) == [1]
    assert settlement.forget(held[1:2], before=5, settling={first.slot}) == []
    assert settlement.forget([], before=5, settling=set()) == [first]
    last = commit("k2", 2, 11, 9, settlement.next_slot)
    settlement.commit(last)
    assert last.slot != first.slot
    assert list(last.settled) == [2]
    assert settlement.forget(held[2:], before=5, settling=set()) == []
    assert settlement.commits == [last]


# Plain deliveries, many at once --------------------------------------------------------------------------------------

COMMITS = st.lists(st.tuples(st.integers(0, 8), st.integers(0, 8)), min_size=1, max_size=6)
DELIVERIES = st.lists(st.tuples(st.integers(0, 8), st.integers(1, 9)), min_size=1, max_size=12)


@given(COMMITS, DELIVERIES, st.booleans())
def test_deliveries_in_columns_are_settled_by_the_commit_that_settles_them_one_by_one(commits, deliveries, exact):
    settlement = Settlement(exact=exact)
    for slot, (offset, nanos) in enumerate(commits):
        settlement.commit(commit(f"k{slot}", offset, nanos, 0, slot))
    reads = [delivery(f"r{number}", nanos) for number, (_, nanos) in enumerate(deliveries)]
    expected = [settlement.deliver(offset, read) for (offset, _), read in zip(deliveries, reads, strict=True)]
    offsets, dates = (np.array(column, np.int64) for column in zip(*deliveries, strict=True))
    places = settlement.settling(settlement.commits, offsets, dates).tolist()
    assert [[*settlement.commits, None][place] for place in places] == expected
