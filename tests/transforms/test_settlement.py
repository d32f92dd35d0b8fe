"""Which commit settles which delivery."""

from itertools import permutations
from typing import Any

import pytest

from tests.histories import date_at
from transforms.block_facts import Commit, Held
from transforms.settlement import Settlement

Step = tuple[str, str, int, int]


def result(steps: list[Step], *, exact: bool = False) -> dict[str, dict[int, list[str]]]:
    """Per commit the offsets and deliveries that it settles; steps are (kind, id, offset, date in ms)."""
    settlement = Settlement(exact=exact)
    commits = []
    for kind, identity, offset, at in steps:
        date = date_at(at * 10**6)
        if kind == "read":
            settlement.deliver(offset, Held(identity, date, "c", at, "x", None, 0))
        else:
            fields: list[Any] = ["K", offset, identity, date, "c", at, "g", None, False, True, 1, 1]
            commits.append(Commit(fields, 0))
            list(settlement.commit(commits[-1]))
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
    held = [Held(f"r{n}", date_at(n), "c", 0, "x", None, 0) for n in range(3)]
    for offset, one in enumerate(held):
        settlement.deliver(offset, one)
    first = Commit(["K", 1, "k1", date_at(10), "c", 0, "g", None, False, True, 1, 1], 0)
    list(settlement.commit(first))
    assert settlement.forget(held[:1], before=5) == []
    assert list(first.settled) == [1]
    assert settlement.forget(held[1:2], before=5) == [first]
    last = Commit(["K", 2, "k2", date_at(11), "c", 9, "g", None, False, True, 1, 1], 0)
    list(settlement.commit(last))
    assert list(last.settled) == [2]
    assert settlement.forget(held[2:], before=5) == []
    assert settlement.commits == [last]
