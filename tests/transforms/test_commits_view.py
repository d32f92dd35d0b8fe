"""CommitsView: the sequence of commits, and the blocks that each is sent to."""

from typing import Any

import orjson

from tests.histories import START, any_trace, changed
from transforms.input.records import COMMIT
from transforms.input.router import Router
from transforms.input.traces import Trace
from transforms.locate.commits_view import MAX_BLOCKS, CommitsView
from transforms.state.addresses import ORDER
from transforms.state.view import Outputs
from transforms.state.waits import Waits

RETENTION = 86_400_000


def any_view(**options: Any) -> CommitsView:
    return CommitsView(b'["group","topic",0]', **{"waits": Waits(), "limit": 1000, "block_size": 4} | options)


def take(view: CommitsView, *items: Trace, until: int | None = None) -> Outputs:
    """What the view makes of these items in one batch, and of the time (ms after START) when all are released."""
    router = Router(1, 4)
    router.add(items)
    packs = [pack.value[1] for kind, pack in router.packs() if kind == ORDER]
    outputs = view.on_facts([fact for pack in packs for fact in view.decode(pack)])
    if until is None:
        return outputs
    released = view.on_time(START + until)
    for name in ("records", "findings", "facts"):
        getattr(outputs, name).extend(getattr(released, name))
    outputs.counts += released.counts
    return outputs


def commit(identity: str, offset: int, at: int) -> Trace:
    return any_trace(type=COMMIT, id=identity, offset=offset, at=at)


def read(offset: int, at: int) -> Trace:
    return any_trace(id=f"c{offset}@{at}", offset=offset, at=at)


def sent(outputs: Outputs) -> list[tuple[str, int, bool, bool]]:
    """Commit id, block, whether it writes the commit's own record, whether it repeats; per fact."""
    return [(fact.id, orjson.loads(key)[2], fact.is_home, fact.repeated) for _, key, _, fact in outputs.facts]


def found(outputs: Outputs) -> list[tuple[str, int | None]]:
    values = [orjson.loads(finding.value) for finding in outputs.findings]
    return [(value["id"] + ("!" if "resolved" in value else ""), value.get("fromOffset")) for value in values]


def test_a_commit_is_held_for_the_reorder_wait_and_then_sent_where_the_group_has_read():
    view = any_view()
    outputs = take(view, read(2, 0), read(5, 1), commit("k", 5, 10))
    assert outputs.facts == []
    assert view.deadline() == START + 6000
    assert sorted(sent(view.on_time(START + 6000))) == [("k", 0, False, False), ("k", 1, True, False)]


def test_blocks_that_an_earlier_commit_settled_are_left_alone():
    view = any_view()
    take(view, read(2, 0), read(3, 1), commit("k1", 3, 10), until=9000)
    outputs = take(view, read(4, 20), commit("k2", 4, 30), until=20_000)
    assert sent(outputs) == [("k2", 1, True, False)]


def test_a_seek_over_billions_of_offsets_is_one_gap_and_costs_nothing():
    view = any_view()
    outputs = take(view, read(1, 0), commit("k1", 1, 5), commit("k2", 10**12, 10), until=10_000)
    assert found(outputs) == [("gap:k2", 1)]
    assert len(outputs.facts) <= 3


def test_a_gap_begins_at_sixty_four_blocks():
    def after(offset: int) -> list[tuple[str, int | None]]:
        return found(take(any_view(), commit("k1", 3, 5), commit("k2", offset, 10), until=10_000))

    assert after(4 + MAX_BLOCKS * 4 - 1) == []
    assert after(4 + MAX_BLOCKS * 4) == [("gap:k2", 3)]


def test_a_commit_behind_the_one_before_is_a_rewind_and_a_late_one_between_can_resolve_it():
    view = any_view()
    assert found(take(view, commit("k1", 9, 5), commit("k2", 4, 20), until=9000)) == [("rewound:k2", 9)]
    assert found(take(view, commit("between", 3, 10), until=20_000)) == [("rewound:between", 9), ("rewound:k2!", None)]


def test_order_is_by_date_and_not_by_arrival():
    view = any_view()
    assert found(take(view, commit("late", 9, 20), commit("early", 4, 5), until=9000)) == []


def test_a_commit_goes_with_a_later_one_whose_wait_ends_first():
    """Kafka timestamps may be in another order than dates, and a wait ends at a whole second."""
    view = any_view()
    take(view, changed(commit("first", 1, 500), timestamp=START + 1001))
    take(view, changed(commit("second", 2, 600), timestamp=START + 999))
    released = take(view, until=6000)
    assert [fact.id for *_, fact in released.facts] == ["first", "second"]
    assert take(view, until=7000).facts == []


def test_the_first_commit_seen_has_an_unknown_start():
    assert found(take(any_view(), commit("k", 10**9, 5), until=9000)) == []


def test_a_commit_at_the_start_leaves_at_once_and_is_the_start_of_the_next_range():
    view = any_view()
    outputs = take(view, commit("start", -1, 5))
    assert [orjson.loads(value)["offset"] for _, value in outputs.records] == [-1]
    assert found(take(view, commit("far", 4 * 64, 10), until=9000)) == [("gap:far", -1)]


def test_a_repeat_is_marked_and_an_earlier_repeat_that_comes_late_takes_the_mark_over():
    view = any_view()
    first = take(view, read(1, 0), commit("k1", 1, 5), commit("k3", 1, 20), until=9000)
    assert ("k3", 0, True, True) in sent(first)
    second = take(view, commit("k2", 0, 10), until=20_000)
    assert sent(second)[-1] == ("k2", 0, True, False) or ("k2", 0, True, False) in sent(second)
    assert ("k3", 0, True, False) in sent(second)


def test_a_late_read_is_told_the_commit_that_settles_it():
    view = any_view()
    released = take(view, commit("k1", 5, 10), commit("k2", 5, 20), until=9000)
    assert set(sent(released)) == {("k1", 1, True, False), ("k2", 1, True, True)}
    outputs = take(view, read(2, 0), until=9000)
    assert sent(outputs) == [("k1", 0, False, False)]


def test_each_commit_is_counted_once_when_it_is_sent_and_duplicates_are_absorbed():
    view = any_view()
    outputs = take(view, read(1, 0), commit("k", 1, 5), commit("k", 1, 5), until=9000)
    assert outputs.counts == {"emitted": 1, "duplicates": 1}
    assert take(view, read(5, 1), read(0, 0), until=9000).counts["emitted"] == 0


def test_retention_forgets_commits_and_reads():
    view = any_view()
    take(view, read(1, 0), commit("k", 1, 5), until=9000)
    view.on_time(START + RETENTION)
    view.on_time(START + 2 * RETENTION)
    assert (view.size(), view.deadline()) == (0, None)


def test_too_many_commits_give_up_the_oldest_with_a_record():
    view = any_view(limit=10)
    outputs = take(view, *(commit(f"k{n}", n, n) for n in range(20)), until=9000)
    assert view.size() == 9
    assert outputs.counts["evicted"] == 11
    assert [name.split(":")[0] for name, _ in found(outputs)] == ["evicted"]
