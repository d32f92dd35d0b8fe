"""FindingsView: which findings are single, what the summary says of the others, and that the counts are exact."""

from collections.abc import Iterable
from functools import partial
from random import Random
from time import process_time
from typing import Any, NamedTuple

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.histories import START, date_at
from tests.pure_run import ForgetfulBag, final_findings, small_journals
from transforms.findings.findings import EVICTED, LOST, MINUTE_MS, Finding, finding
from transforms.findings.findings_view import FindingsView, FindingTold
from transforms.findings.limit_findings import addressed
from transforms.state.addresses import STATS, window_key
from transforms.state.journal import JournaledView
from transforms.state.packs import pack_of
from transforms.state.view import Outputs
from transforms.state.waits import Waits
from transforms.stats.stats_facts import FindingsCounted

RETENTION = 24 * 60 * MINUTE_MS
SUMMARY = "lost:summary:topic:group:2026-01-01T00:00:00.000Z"


def lost(name: Any, **known: Any) -> Finding:
    """A finding of the first minute after START; all of them have one key."""
    return finding(LOST, str(name), **{"topic": "topic", "groupId": "group", "produced": START + 5} | known)


def key_for(found: Finding, told: int = START) -> bytes:
    [(_, key, _, _)] = addressed(found, told)
    return key


def fact_of(found: Finding, told: int = START) -> FindingTold:
    [(*_, fact)] = addressed(found, told)
    return fact


def any_view(**options: Any) -> FindingsView:
    return FindingsView(key_for(lost(0)), **{"waits": Waits(), "burst": 2} | options)


def take(view: FindingsView, *found: Finding, told: int = START) -> Outputs:
    return view.on_facts(view.decode(pack_of([fact_of(one, told) for one in found])))


def written(outputs: Outputs) -> list[dict[str, Any]]:
    for key, value in outputs.records:
        assert orjson.loads(key) == {"id": orjson.loads(value)["id"]}
    return [orjson.loads(value) for _, value in outputs.records]


def names(outputs: Outputs) -> list[str]:
    """The ids that were written, with `!` where one is resolved."""
    return [value["id"] + ("!" if "resolved" in value else "") for value in written(outputs)]


def counts(outputs: Outputs) -> list[int]:
    return [fact.count for _, _, _, fact in outputs.facts]


def summary_of(outputs: Outputs) -> dict[str, Any]:
    [summary] = [value for value in written(outputs) if "summary" in value]
    return summary


def test_findings_up_to_the_burst_are_single_records_as_they_are():
    outputs = take(any_view(), lost("a", offset=1), lost("b"))
    assert outputs.records == [(one.key, one.value) for one in (lost("a", offset=1), lost("b"))]


def test_what_goes_beyond_the_burst_is_one_summary():
    dates = [date_at((START + at) * 10**6, digits) for at, digits in ((9_000, 3), (7_000, 0), (8_000, 9))]
    beyond = [
        lost(name, date=date, partition=3, offset=4, correlationId="x", clientId="c")
        for name, date in zip("cde", dates, strict=True)
    ]
    outputs = take(any_view(cluster="blue"), lost("a"), lost("b"), *beyond)
    assert names(outputs) == ["lost:a", "lost:b", SUMMARY]
    assert written(outputs)[2] == {
        "id": SUMMARY, "reason": "lost", "topic": "topic", "groupId": "group", "summary": True,
        "windowStart": "2026-01-01T00:00:00.000Z", "count": 3, "found": 3, "firstDate": dates[1], "lastDate": dates[0],
        "examples": [{"id": one.id, "partition": 3, "offset": 4, "correlationId": "x"} for one in beyond],
        "cluster": "blue",
    }  # fmt: skip


def test_a_summary_names_at_most_five_examples():
    assert len(summary_of(take(any_view(), *map(lost, range(50))))["examples"]) == 5


def test_the_same_finding_with_other_fields_replaces_its_record_and_counts_once():
    view = any_view()
    assert counts(take(view, lost("a", offset=1))) == [1]
    again = take(view, lost("a", offset=2))
    assert again.records == [(lost("a").key, lost("a", offset=2).value)]
    assert counts(again) == []


def test_a_summarised_finding_that_is_told_again_counts_once():
    view = any_view()
    take(view, *map(lost, "abcd"))
    again = take(view, lost("c", offset=2))
    assert (summary_of(again)["count"], summary_of(again)["found"], counts(again)) == (2, 2, [])
    assert {"id": "lost:c", "offset": 2} in summary_of(again)["examples"]


def test_of_all_ids_the_lowest_are_single_and_a_greater_one_that_gives_way_is_closed_as_summarised():
    view = any_view()
    take(view, *map(lost, "bcd"))
    outputs = take(view, lost("a"))
    assert names(outputs) == ["lost:c!", "lost:a", SUMMARY]
    assert written(outputs)[0]["summarised"] is True
    assert [example["id"] for example in summary_of(outputs)["examples"]] == ["lost:c", "lost:d"]
    assert counts(outputs) == [4]


def test_of_bounded_input_nothing_is_written_before_all_of_it_is_there():
    view = any_view(bounded=True)
    assert take(view, *map(lost, "bcd")).records == []
    take(view, lost("a"), lost("0"), lost("0", resolved=True))
    outputs = view.on_time(view.deadline())
    assert names(outputs) == ["lost:a", "lost:b", SUMMARY]
    assert (counts(outputs), summary_of(outputs)["found"]) == ([4], 2)


def test_a_resolution_closes_a_single_record():
    view = any_view()
    take(view, *map(lost, "ab"))
    outputs = take(view, lost("a", resolved=True))
    assert (names(outputs), counts(outputs)) == (["lost:a!"], [1])


def test_a_resolution_lowers_the_count_of_the_summary_and_takes_the_example_away():
    view = any_view()
    take(view, *map(lost, "abcd"))
    outputs = take(view, lost("c", resolved=True))
    summary = summary_of(outputs)
    assert (names(outputs), counts(outputs)) == ([SUMMARY], [3])
    assert (summary["count"], summary["found"]) == (1, 2)
    assert [example["id"] for example in summary["examples"]] == ["lost:d"]


def test_a_summary_is_resolved_while_none_of_its_findings_is_open():
    view = any_view()
    take(view, *map(lost, "abc"))
    assert names(take(view, lost("c", resolved=True))) == [f"{SUMMARY}!"]
    assert names(take(view, lost("d"))) == [SUMMARY]


def test_a_closed_single_keeps_its_record_and_makes_no_room_for_another():
    view = any_view()
    take(view, *map(lost, "ab"), lost("a", resolved=True))
    assert names(take(view, lost("c"), lost("a"))) == ["lost:a", SUMMARY]


def test_a_resolution_of_an_unknown_finding_passes_through_and_counts_nothing():
    outputs = take(any_view(), lost("a", resolved=True))
    assert (names(outputs), outputs.facts) == (["lost:a!"], [])


def test_the_statistics_are_told_the_open_count_once_per_batch():
    outputs = take(any_view(), *map(lost, range(7)), lost(3, resolved=True), told=START + 9)
    assert outputs.facts == [(STATS, window_key("topic", START), START + 9, FindingsCounted("lost", "group", 6, 0, 1))]


def test_what_is_opened_and_closed_in_one_batch_is_not_counted():
    assert take(any_view(), lost("a"), lost("a", resolved=True)).facts == []


@pytest.mark.parametrize("known", [{}, {"topic": "topic"}])
def test_evicted_findings_are_limited_by_the_minute_in_which_they_are_told_and_not_counted(known):
    found = [finding(EVICTED, str(number), count=9, **known) for number in range(4)]
    told = START + 90_000
    view = FindingsView(key_for(found[0], told), Waits(), burst=2)
    outputs = take(view, *found, told=told)
    assert names(outputs)[2:] == [f"evicted:summary:{known.get('topic', '')}::2026-01-01T00:01:00.000Z"]
    assert summary_of(outputs)["count"] == 2
    assert outputs.facts == []
    assert view.deadline() > told + RETENTION


def test_findings_without_a_topic_but_with_a_date_are_not_counted_either():
    found = finding(LOST, "a", date=date_at(START * 10**6))
    assert take(FindingsView(key_for(found), Waits(), burst=2), found).facts == []


def test_all_is_forgotten_when_no_finding_of_the_minute_can_come_any_more():
    view = any_view()
    take(view, *map(lost, range(5)))
    due = view.deadline()
    assert START + RETENTION + 2 * MINUTE_MS <= due <= START + RETENTION + RETENTION // 24 + 3 * MINUTE_MS
    assert view.on_time(due - 1).facts == []
    assert view.size() > 0
    outputs = view.on_time(due)
    assert (outputs.records, outputs.facts, view.size()) == ([], [], 0)
    assert view.snapshot() == any_view().snapshot()
    assert view.deadline() is None


def test_a_minute_that_is_long_past_is_kept_as_long_as_findings_of_it_come():
    view = any_view(waits=Waits(retention=24_000))
    take(view, *map(lost, "abc"), told=START + RETENTION)
    assert view.deadline() > START + RETENTION
    take(view, lost("d"), told=START + RETENTION + 50_000)
    take(view, lost("e"), told=START + RETENTION + 1)
    assert view.deadline() > START + RETENTION + 50_000 + MINUTE_MS


def test_a_view_that_only_passed_something_on_leaves_no_state_either():
    bag = ForgetfulBag()
    journaled, _ = JournaledView.open(bag, any_view)
    journaled.on_facts(bag, pack_of([fact_of(lost("a", resolved=True))]))
    journaled.on_time(bag, journaled.view.deadline())
    assert bag.segments == []


def test_a_snapshot_builds_the_same_view_again():
    view, rebuilt = any_view(), any_view()
    dated = [lost(number, offset=number, date=date_at((START + number) * 10**6)) for number in range(9)]
    take(view, *dated, lost(1, resolved=True), lost(4, resolved=True), told=START + RETENTION * 2)
    rebuilt.restore(view.snapshot())
    assert (rebuilt.deadline(), rebuilt.size()) == (view.deadline(), view.size())
    for step in (lost(9), lost(0, resolved=True), lost(1), lost(5, resolved=True), lost(6, offset=60)):
        one, other = take(view, step), take(rebuilt, step)
        assert (one.records, one.facts) == (other.records, other.facts)
        assert one.records


def test_a_hundred_thousand_findings_of_one_key_are_cheap():
    packs = [
        pack_of([fact_of(lost(f"{start}-{number}", date=date_at(START * 10**6))) for number in range(1000)])
        for start in range(100)
    ]
    view = any_view(burst=100)
    began = process_time()
    outputs = [view.on_facts(view.decode(pack)) for pack in packs]
    snapshot = view.snapshot()
    assert process_time() - began < 5
    assert counts(outputs[-1]) == [100_000]
    assert summary_of(outputs[-1])["count"] == 99_900
    assert len(snapshot) < 1_200_000
    assert view.size() < 20_000


# Any order, any batches, any restore --------------------------------------------------------------------------------


class Told(NamedTuple):
    """What is told of one id, in order: is it open, and the fields it has."""

    name: int
    steps: list[tuple[bool, int]]

    def findings(self) -> list[Finding]:
        return [
            lost(self.name, resolved=not is_open, offset=offset, date=date_at((START + self.name) * 10**6))
            for is_open, offset in self.steps
        ]


def told() -> st.SearchStrategy[list[Told]]:
    steps = st.lists(st.tuples(st.booleans(), st.integers(0, 3)), min_size=1, max_size=4)
    return st.lists(steps, max_size=14).map(lambda ids: [Told(name, steps) for name, steps in enumerate(ids)])


def interleaved(ids: list[Told], random: Random) -> Iterable[Finding]:
    """All findings in any order that keeps the order of each id."""
    waiting = {one.name: one.findings() for one in ids}
    turns = [one.name for one in ids for _ in one.steps]
    random.shuffle(turns)
    return [waiting[name].pop(0) for name in turns]


class Played:
    """A view in its journal that is told these findings in batches and loses its memory now and then."""

    def __init__(self, ids: list[Told], burst: int, seed: int) -> None:
        random = Random(seed)  # noqa: S311  repeatable
        self.values: list[bytes] = []
        self.count = 0
        bag = ForgetfulBag()
        rest = [fact_of(one, START + random.randint(0, MINUTE_MS)) for one in interleaved(ids, random)]
        while rest:
            size = random.randint(1, 6)
            batch, rest = rest[:size], rest[size:]
            journaled, _ = JournaledView.open(bag, partial(any_view, burst=burst))
            outputs = journaled.on_facts(bag, pack_of(batch))
            journaled.rewrite(bag)
            if random.random() < 0.5:
                bag.forget(random)
            self.values += [value for _, value in outputs.records]
            self.count = (counts(outputs) or [self.count])[-1]
            assert len(counts(outputs)) <= 1
        if ids:
            journaled, _ = JournaledView.open(bag, partial(any_view, burst=burst))
            assert journaled.on_time(bag, journaled.view.deadline()).records == []
        assert bag.segments == []
        self.final = final_findings(self.values)
        records = [orjson.loads(value) for value in self.values]
        self.has_summary = any("summary" in one for one in records)


@given(told(), st.integers(1, 16), st.integers(0, 2**32), st.integers(0, 2**32))
def test_any_order_of_the_ids_any_batches_and_any_restore_end_in_the_same_records(ids, burst, seed, other_seed):
    with small_journals():
        one, other = Played(ids, burst, seed), Played(ids, burst, other_seed)
    opened = {f"lost:{told.name}" for told in ids if any(is_open for is_open, _ in told.steps)}
    still_open = {f"lost:{told.name}": told.findings()[-1].value for told in ids if told.steps[-1][0]}
    for run in (one, other):
        singles, summary = run.final.keys() - {SUMMARY}, run.final.get(SUMMARY, {"count": 0})
        assert run.count == len(still_open) == len(singles) + summary["count"]
        assert singles == {*sorted(opened)[:burst]} & still_open.keys()
        assert all(run.final[name] == orjson.loads(still_open[name]) for name in singles)
        assert run.has_summary == (len(opened) > burst)
        summary.pop("examples", None)  # those that were closed may leave their places empty
    assert one.final == other.final
