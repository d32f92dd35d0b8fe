"""The whole join against the reference: any order, any batches, any restore give the same final outputs."""

from collections import Counter
from random import Random

import pytest
from hypothesis import HealthCheck, Phase, example, given, settings
from hypothesis import strategies as st

from tests.histories import CALM, START, Item, Plan, plans, soups, traffic
from tests.pure_run import PureRun, small_journals
from tests.reference import expected
from tests.reference_tallies import Tally, TallyKey
from transforms.latency_sketch import PERCENTS, LatencySketch
from transforms.records import Trace
from transforms.waits import Waits

few = settings(
    phases=[Phase.explicit, Phase.generate],
    max_examples=40,
    deadline=None,
    derandomize=True,
    suppress_health_check=list(HealthCheck),
)
many = settings(few, max_examples=250)
SEEDS = st.integers(0, 2**32)
BLOCKS = st.sampled_from([1, 2, 4, 8])
#: Shorter than the histories of `soups`.
SHORT = Waits(
    hold_send=800, hold_ack=300, hold_consume=300, hold_commit=200, commit_reorder=200, unacked=900, lost=500,
    unconsumed=1500, uncommitted=1000, consumption_buffer=400, stats_interval=250,
)  # fmt: skip


def any_order(
    items: list[Item], seed: int, block_size: int, *, exact: bool = False, waits: Waits | None = None
) -> PureRun:
    """Items in any order, in any batches; packs delivered in any order, time passing in between, views restored."""
    random = Random(seed)  # noqa: S311  repeatable
    restores = random.choice([0.0, 0.3, 1.0])
    run = PureRun(random=random, restores=restores, block_size=block_size, exact=exact, waits=waits)
    shuffled = random.sample(items, len(items))
    with small_journals():
        while shuffled:
            size = random.randint(1, max(2, len(items) // random.choice([1, 5, 30])))
            batch, shuffled = shuffled[:size], shuffled[size:]
            run.feed(batch)
            run.deliver(some=True)
            if random.random() < 0.3:
                run.pass_time(START + random.randint(0, 900_000), orderly=False)
        run.finish()
    return run


def check(run: PureRun, items: list[Item], block_size: int, *, exact: bool = False, waits: Waits | None = None) -> None:
    """The run ended as the reference says, and the counters add up."""
    reference = expected(items, block_size=block_size, exact=exact, waits=waits)
    assert reference.records == run.final_records()
    assert reference.findings == run.final_findings()
    check_tallies(run, reference.tallies)
    end = max(item.timestamp for item in items) + 60_000
    ripe = expected(items, block_size=block_size, exact=exact, waits=waits, end=end).findings
    assert ripe == run.final_findings(end)
    parsed = sum(isinstance(item, Trace) for item in items)
    assert parsed == run.counts["emitted"] + run.counts["duplicates"]
    assert len(run.records) == run.counts["emitted"] + run.counts["range_commits"] + run.counts["revisions"] - leaps(
        run
    )


def check_tallies(run: PureRun, reference: dict[TallyKey, Tally]) -> None:
    """The last tallies of all blocks add up to those of the reference; quantiles within 1 %."""
    final = run.final_tallies()
    assert final.keys() == reference.keys()
    for place, tally in reference.items():
        sketches = {name: fact for name, fact in final[place].items() if isinstance(fact, LatencySketch)}
        assert {name: fact for name, fact in final[place].items() if name not in sketches} == tally.counts
        assert {name for name, sketch in sketches.items() if sketch.count} == tally.latencies.keys()
        for name, exact in tally.latencies.items():
            sketch = sketches[name]
            summary = len(exact), exact[0], exact[-1], sum(exact)
            assert (sketch.count, sketch.min, sketch.max, sketch.sum) == summary
            ranks = [exact[(len(exact) - 1) * percent // 100] for percent in PERCENTS]
            assert sketch.quantiles(*PERCENTS) == [pytest.approx(rank, rel=0.01) for rank in ranks]


def leaps(run: PureRun) -> int:
    """Commits whose first record came from a second block: counted as emitted and, by its number, as a revision."""
    lowest: dict[str, int] = {}
    for _, value in run.records:
        lowest[value["id"]] = min(value.get("revision", 1), lowest.get(value["id"], 10**9))
    return sum(revision > 1 for revision in lowest.values())


@many
@given(soups(), SEEDS, BLOCKS)
def test_a_few_facts_in_any_order_end_as_the_reference_says(items, seed, block_size):
    check(any_order(items, seed, block_size), items, block_size)


@many
@given(soups(), SEEDS, BLOCKS, st.booleans())
def test_with_waits_as_short_as_the_history_much_is_late_and_ends_as_the_reference_says(items, seed, block_size, exact):
    run = any_order(items, seed, block_size, exact=exact, waits=SHORT)
    check(run, items, block_size, exact=exact, waits=SHORT)


@few
@given(soups(), SEEDS, BLOCKS)
def test_in_exact_mode_a_commit_settles_its_own_offset_only(items, seed, block_size):
    check(any_order(items, seed, block_size, exact=True), items, block_size, exact=True)


@settings(few, max_examples=60)
@given(plans(st.integers(1, 30)), SEEDS, BLOCKS)
def test_small_traffic_in_any_order_ends_as_the_reference_says(plan, seed, block_size):
    items = traffic(plan)
    if items:
        check(any_order(items, seed, block_size), items, block_size)


@settings(few, max_examples=6)
@given(plans(st.integers(200, 260), partitions=3, groups=2), SEEDS, st.sampled_from([4, 8]))
def test_hundreds_of_messages_in_any_order_end_as_the_reference_says(plan, seed, block_size):
    items = traffic(plan)
    check(any_order(items, seed, block_size), items, block_size)


@settings(few, max_examples=15)
@given(plans(st.integers(1, 200), **CALM), st.integers(1, 50), st.sampled_from([4, 1024]))
@example(Plan(7, 250, topics=3, partitions=3, groups=3, **CALM), 20, 4)
def test_in_time_and_in_order_each_id_leaves_exactly_once_and_nothing_is_revised(plan, size, block_size):
    items = traffic(plan)
    run = PureRun(block_size=block_size)
    for start in range(0, len(items), size):
        run.feed(items[start : start + size])
        run.deliver()
        run.pass_time(items[start : start + size][-1].timestamp)
    run.finish()
    assert all("revision" not in value for _, value in run.records)
    assert set(Counter(value["id"] for _, value in run.records).values()) <= {1}
    if items:
        check(run, items, block_size)


@settings(few, max_examples=20)
@given(plans(st.integers(1, 60), rewinds=0.0, skew_ms=0, missing=0.0), BLOCKS)
def test_where_nobody_goes_back_block_edges_cannot_be_seen(plan, block_size):
    items = traffic(plan)
    without = {identity: found for identity, found in expected(items).findings.items() if found["reason"] != "gap"}
    edged = expected(items, block_size=block_size)
    assert expected(items).records == edged.records
    assert without == {identity: found for identity, found in edged.findings.items() if found["reason"] != "gap"}


@pytest.mark.parametrize("restores", [0.0, 1.0])
def test_a_view_rebuilt_before_every_step_writes_the_same_records(restores):
    items = traffic(Plan(3, 80))
    kept = PureRun(random=Random(1), restores=0.0)  # noqa: S311
    rebuilt = PureRun(random=Random(1), restores=restores)  # noqa: S311
    with small_journals():
        for run in (kept, rebuilt):
            for start in range(0, len(items), 25):
                run.feed(items[start : start + 25])
                run.deliver()
                run.pass_time(items[start].timestamp)
            run.finish()
    assert sorted(map(str, kept.records)) == sorted(map(str, rebuilt.records))
    assert kept.rebuilt == 0
    assert (rebuilt.rebuilt > 100) == (restores > 0)


@pytest.mark.parametrize("seed", range(12))
def test_with_a_retention_that_ends_in_mid_stream_a_rebuilt_view_forgets_what_a_kept_one_forgets(seed):
    items = traffic(Plan(seed, 60, groups=1, topics=1, reused=0.0, twice=0.2, step_ms=100))
    waits = Waits(
        hold_send=3000,
        hold_ack=2000,
        hold_consume=1000,
        hold_commit=1000,
        commit_reorder=500,
        unacked=2000,
        retention=4000,
    )
    runs = [PureRun(random=Random(seed), restores=restores, waits=waits) for restores in (0.0, 1.0)]  # noqa: S311
    with small_journals():
        for run in runs:
            for start in range(0, len(items), 10):
                run.feed(items[start : start + 10])
                run.deliver()
                run.pass_time(items[start].timestamp)
            run.finish()
    kept, rebuilt = runs
    assert sorted(map(str, kept.records)) == sorted(map(str, rebuilt.records))
    assert kept.final_findings() == rebuilt.final_findings()  # a rebuilt view judges once more in between
