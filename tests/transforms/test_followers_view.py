"""FollowersView: what each block of a partition may expect of each group."""

from collections import defaultdict
from collections.abc import Iterable
from random import Random
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.histories import START, any_trace, changed
from tests.packed import packs_of
from transforms.input.pack_by_key import _Pack
from transforms.input.records import ACK, COMMIT, CONSUME, HEADER_READER, HeaderLink
from transforms.input.traces import Commit, Trace
from transforms.locate.followers_view import FollowersView
from transforms.state.facts import GroupExpectation
from transforms.state.group_facts import GroupRead, PartitionFact
from transforms.state.view import Outputs
from transforms.state.waits import Waits

KEY = b'["topic",0]'
SIZE = 4
HOUR = 3_600_000
RETENTION = 24 * HOUR
Item = Trace | HeaderLink
#: Start, until, passed, commits.
Expected = tuple[int, int, int | None, int | None]


def any_view(**options: Any) -> FollowersView:
    return FollowersView(KEY, **{"waits": Waits(), "limit": 1000, "block_size": SIZE} | options)


def read(offset: int, at: int, group: str = "g") -> Trace:
    return any_trace(type=CONSUME, id=f"{group}{offset}@{at}", offset=offset, at=at, group_id=group)


def commit(offset: int, at: int, group: str = "g") -> Trace:
    return any_trace(type=COMMIT, id=f"{group}{offset}@{at}", offset=offset, at=at, group_id=group)


def ack(offset: int, at: int) -> Trace:
    return any_trace(type=ACK, id=f"a{offset}@{at}", offset=offset, at=at)


def facts_of(*items: Item) -> list[PartitionFact]:
    """What a bundle of these items tells the view."""
    step = _Pack(1, SIZE)
    step.start_bundle()
    outputs = list(step.process(items))
    packs = [pack for pack in packs_of([*outputs, *step.finish_bundle()]) if pack.kind == "follow"]
    assert {pack.key for pack in packs} <= {KEY}
    return [fact for pack in packs for fact in pack.facts]


def told(outputs: Outputs) -> list[tuple[int, str, Expected]]:
    """Block, group and what is expected, with times in ms after START; per fact."""
    assert all(isinstance(fact, GroupExpectation) for *_, fact in outputs.facts)
    return [(orjson.loads(key)[2], fact.group_id, _after_start(fact)) for _, key, _, fact in outputs.facts]


def _after_start(expected: GroupExpectation) -> Expected:
    passed, commits = expected.passed, expected.commits
    return expected.start, expected.until - START, passed and passed - START, commits and commits - START


def take(view: FollowersView, *items: Item) -> list[tuple[int, str, Expected]]:
    return told(view.on_facts(facts_of(*items)))


def merged(facts: Iterable[tuple[int, str, Expected]]) -> dict[tuple[int, str], Expected]:
    """What a block makes of all that it is told."""
    result: dict[tuple[int, str], Expected] = {}
    for block, group, (start, until, passed, commits) in facts:
        known = result.get((block, group), (start, until, passed, commits))
        result[block, group] = (
            min(known[0], start), max(known[1], until), _least(known[2], passed), _least(known[3], commits),
        )  # fmt: skip
    return result


def _least(*times: int | None) -> int | None:
    return min((time for time in times if time is not None), default=None)


def recomputed(items: Iterable[Item]) -> dict[tuple[int, str], Expected]:
    """The same from all facts at once."""
    blocks: set[int] = set()
    facts: dict[str, list[tuple[int, int, int, bool]]] = defaultdict(list)
    for item in items:
        at = item.timestamp - START
        is_commit = isinstance(item, Commit)
        if not is_commit:
            blocks.add(item.offset // SIZE)
        group = HEADER_READER if isinstance(item, HeaderLink) else getattr(item, "group_id", None)
        if group is not None:
            facts[group].append((item.offset // SIZE, item.offset + is_commit, at, is_commit))
    result = {}
    for group, known in facts.items():
        start = min(position for _, position, _, _ in known)
        for block in blocks:
            if start < (block + 1) * SIZE:
                last = max(at for place, _, at, _ in known if place <= block)
                passed = min((at for place, _, at, _ in known if place > block), default=None)
                commits = min((at for *_, at, is_commit in known if is_commit), default=None)
                until = -(-last // HOUR) * HOUR + RETENTION
                result[block, group] = max(start, block * SIZE), until, passed, commits
    return result


def test_a_block_is_told_who_reads_it_from_where_until_when_and_since_when_the_group_is_past_it():
    view = any_view()
    assert take(view, read(2, 10)) == [(0, "g", (2, RETENTION + HOUR, None, None))]
    assert take(view, commit(2, 20)) == [(0, "g", (2, RETENTION + HOUR, None, 20))]
    assert take(view, read(9, 30)) == [
        (2, "g", (8, RETENTION + HOUR, None, 20)),
        (0, "g", (2, RETENTION + HOUR, 30, 20)),
    ]


def test_a_commit_begins_at_the_position_after_its_offset_and_one_at_the_start_begins_at_0():
    assert take(any_view(), ack(5, 0), commit(5, 10)) == [(1, "g", (6, RETENTION + HOUR, None, 10))]
    assert take(any_view(), ack(5, 0), commit(7, 10)) == []
    assert take(any_view(), ack(5, 0), commit(-1, 10)) == [(1, "g", (4, RETENTION + HOUR, None, 10))]


@pytest.mark.parametrize("fact", [read(5, 10), commit(4, 10)], ids=lambda fact: fact.type)
def test_a_trace_that_lies_twice_in_the_topic_tells_no_block_anything_the_second_time(fact):
    """
    CONSUME c 10 offset 5 X; CONSUME c 10 offset 5 X written 10800000. COMMIT k 10 offset 4; COMMIT k 10 offset 4
    written 10800000.
    """
    view = any_view()
    assert take(view, ack(5, 0), fact)
    assert take(view, changed(fact, timestamp=START + 3 * HOUR)) == []


def test_blocks_below_the_start_of_a_group_are_not_told_of_it_until_it_goes_back():
    view = any_view()
    assert [block for block, *_ in take(view, ack(1, 0), ack(5, 0), ack(9, 0), read(8, 10))] == [2]
    assert merged(take(view, read(6, 20))) == {(1, "g"): (6, RETENTION + HOUR, 10, None)}


def test_the_reader_of_headers_is_a_group_that_nobody_names_so():
    link = HeaderLink("topic", 0, 5, None, START)
    assert sorted(group for _, group, _ in take(any_view(), link, read(5, 10))) == [HEADER_READER, "g"]


def test_a_healthy_group_costs_two_facts_for_each_block_and_commits_a_third_at_most():
    view = any_view()
    facts = []
    for offset in range(10 * SIZE):
        at = offset * 20_000
        facts += take(view, ack(offset, at))
        for group in ("g", "h"):
            facts += take(view, read(offset, at + 5, group), read(offset, at + 6, group))
            facts += take(view, commit(offset, at + 10, group))
    assert len(facts) <= 3 * 10 * 2
    per_block = [len([1 for block, group, _ in facts if (block, group) == (number, "g")]) for number in range(1, 9)]
    assert per_block == [2] * 8


def test_what_changes_nothing_tells_nothing():
    view = any_view()
    take(view, ack(1, 0), read(1, 10), read(5, 20), commit(5, 30))
    assert take(view, read(1, 10), read(2, 50), read(5, 21), read(6, 90), commit(4, 31), commit(6, 80), ack(2, 3)) == []


def test_a_new_hour_is_told_to_the_blocks_that_the_group_is_not_past():
    view = any_view()
    take(view, *(ack(offset, 0) for offset in (1, 5, 9)), read(1, 10), read(5, 20), commit(5, 30))
    assert take(view, commit(5, HOUR)) == []
    assert take(view, commit(5, HOUR + 1)) == [
        (1, "g", (4, RETENTION + 2 * HOUR, None, 30)),
        (2, "g", (8, RETENTION + 2 * HOUR, None, 30)),
    ]


def test_a_seek_over_billions_of_offsets_is_told_to_known_blocks_only():
    view = any_view()
    take(view, *(ack(offset, 0) for offset in (1, 5, 9)), read(1, 10))
    assert [(block, expected[2]) for block, _, expected in take(view, commit(10**12, 20))] == [
        (0, 20), (1, 20), (2, 20),
    ]  # fmt: skip


def test_a_group_past_the_end_of_all_blocks_is_told_to_a_block_that_becomes_known_later():
    view = any_view()
    take(view, read(1, 10), read(90, 20))
    assert take(view, ack(50, 30)) == [(12, "g", (48, RETENTION + HOUR, 20, None))]


FACTS = st.builds(
    lambda kind, offset, at, group: {
        "R": lambda: read(offset, at * HOUR // 7, group),
        "K": lambda: commit(offset - 1, at * HOUR // 7, group),
        "M": lambda: ack(offset, at * HOUR // 7),
        "L": lambda: HeaderLink("topic", 0, offset, None, START + at * HOUR // 7),
    }[kind](),
    st.sampled_from("RRRKMML"),
    st.integers(0, 30),
    st.integers(0, 40),
    st.sampled_from("gh"),
)


@settings(max_examples=200, deadline=None)
@given(st.lists(FACTS, max_size=40), st.integers(0, 2**32))
def test_in_any_order_any_bundles_and_any_restores_blocks_know_at_the_end_what_follows_from_all_facts(items, seed):
    random = Random(seed)  # noqa: S311
    view, facts, rest = any_view(), [], random.sample(items, len(items))
    while rest:
        size = random.randint(1, 5)
        batch, rest = rest[:size], rest[size:]
        facts += take(view, *batch)
        if random.random() < 0.3:
            assert view.on_time(START + random.randint(0, RETENTION - 1)).facts == []
        if random.random() < 0.3:
            view = restored(view)
    assert merged(facts) == recomputed(items)
    assert (view.size() > 0) == bool(items)


@settings(max_examples=100, deadline=None)
@given(st.lists(FACTS, min_size=1, max_size=30), st.integers(0, 2**32))
def test_a_restored_view_says_what_the_view_would_have_said(items, seed):
    random = Random(seed)  # noqa: S311
    view = any_view()
    place = random.randint(0, len(items))
    take(view, *items[:place])
    view.on_time(START + random.randint(0, 40 * HOUR))
    copy = restored(view)
    assert copy.snapshot() == view.snapshot()
    assert (copy.deadline(), copy.size()) == (view.deadline(), view.size())
    facts, now = facts_of(*items[place:]), START + random.randint(0, 60 * HOUR)
    assert copy.on_facts(facts).facts == view.on_facts(facts).facts
    assert copy.on_time(now).facts == view.on_time(now).facts
    assert copy.snapshot() == view.snapshot()


def restored(view: FollowersView) -> FollowersView:
    copy = any_view()
    copy.restore(view.snapshot())
    return copy


def test_retention_forgets_blocks_and_groups_that_are_quiet():
    view = any_view()
    take(view, ack(1, 0), read(1, 10), commit(1, 20))
    assert view.deadline() == START + RETENTION
    while (deadline := view.deadline()) is not None:
        view.on_time(deadline)
    assert view.size() == 0
    assert take(view, ack(1, 3 * RETENTION)) == []


def test_what_a_group_left_behind_longer_than_retention_ago_is_not_expected_of_it():
    """Another group that goes back there makes the block known again; what this one read there is forgotten."""
    view, now = any_view(), RETENTION + HOUR // 2
    take(view, read(1, 0), read(5, 10), read(5, now))
    view.on_time(START + now)
    assert [(block, group) for block, group, _ in take(view, read(1, now + 1, "h"))] == [(0, "h"), (1, "h")]
    assert take(view, read(2, now + 2)) == [(0, "g", (2, 2 * RETENTION + HOUR, None, None))]


def test_a_group_that_lags_for_longer_than_retention_is_still_expected_where_it_is():
    view, now = any_view(), RETENTION + HOUR // 2
    take(view, read(5, 0))
    take(view, commit(5, now), ack(9, now))
    view.on_time(START + now)
    assert take(view, ack(13, now + 1)) == [(3, "g", (12, 2 * RETENTION + HOUR, None, now))]
    assert [(block, expected[2]) for block, _, expected in take(view, read(13, now + 9))] == [(2, now + 9)]


@pytest.mark.parametrize("kind", ["blocks", "groups", "steps"])
def test_too_many_facts_give_up_the_oldest_with_a_record(kind):
    view = any_view(limit=20, cluster="blue")
    items = {
        "blocks": [ack(SIZE * n, n) for n in range(101)],
        "groups": [commit(1, n, f"g{n}") for n in range(40)],
        "steps": [commit(SIZE * n, n) for n in range(101)],
    }[kind]
    outputs = view.on_facts(facts_of(*items))
    assert 0 < view.size() <= 18
    [finding] = map(orjson.loads, (found.value for found in outputs.findings))
    assert (finding["reason"], finding["count"], finding["cluster"]) == ("evicted", outputs.counts["evicted"], "blue")
    assert finding["count"] >= 11
    newest = max(item.timestamp for item in items)
    assert newest in {*view._blocks.values(), *(progress.last for progress in view._groups.values())}
    assert restored(view).size() == view.size()


def test_a_day_of_a_busy_partition_is_small_to_keep():
    """16,000 blocks are a day of 190 messages a second."""
    view = FollowersView(KEY, waits=Waits(), limit=100_000, block_size=1024)
    for block in range(16_000):
        at = START + block * 5400
        view.on_facts(
            [GroupRead(group, block, block * 1024, at, at + 5400, at + 5400) for group in (HEADER_READER, "g", "h")]
        )
    assert view.size() < 16_000
    assert len(view.snapshot()) < 2_500_000
