"""The whole join against the reference: long histories, and what holds of those in order (see tests/model too)."""

from collections import Counter
from random import Random
from unittest.mock import patch

import pytest
from hypothesis import HealthCheck, Phase, example, given, settings
from hypothesis import strategies as st

from tests.model.checks import check_join
from tests.model.driving import drive
from tests.pure_run import PureRun, small_journals
from tests.reference import expected
from tests.simulated import CALM, Plan, plans, traffic
from transforms.join import block_view
from transforms.state.waits import Waits

few = settings(
    phases=[Phase.explicit, Phase.generate],
    max_examples=40,
    deadline=None,
    derandomize=True,
    suppress_health_check=list(HealthCheck),
)
SEEDS = st.integers(0, 2**32)
BLOCKS = st.sampled_from([1, 2, 4, 8])


@settings(few, max_examples=3)
@given(plans(st.integers(200, 260), partitions=3, groups=2), SEEDS, st.sampled_from([4, 8]))
def test_hundreds_of_messages_in_any_order_end_as_the_reference_says(plan, seed, block_size):
    items, random = traffic(plan), Random(seed)  # noqa: S311
    run = PureRun(random=random, restores=random.choice([0.0, 0.3, 1.0]), block_size=block_size)
    drive(run, items, random)
    check_join(run, items, expected(items, block_size=block_size))


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
        check_join(run, items, expected(items, block_size=block_size))


@settings(few, max_examples=20)
@given(plans(st.integers(1, 60), **CALM | dict.fromkeys(("rewinds", "seeks", "rebalances", "aborted"), 0.0)), BLOCKS)
def test_where_nobody_goes_back_and_nothing_is_aborted_block_edges_cannot_be_seen(plan, block_size):
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
    with small_journals(), patch.object(block_view, "QUIET", 10**9):
        for run in (kept, rebuilt):
            for start in range(0, len(items), 25):
                run.feed(items[start : start + 25])
                run.deliver()
                run.pass_time(items[start].timestamp)
            run.finish()
    assert sorted(map(str, kept.records)) == sorted(map(str, rebuilt.records))
    assert sorted(map(repr, kept.findings)) == sorted(map(repr, rebuilt.findings))
    assert kept.rebuilt == 0
    assert (rebuilt.rebuilt > 100) == (restores > 0)


@pytest.mark.parametrize("seed", range(5))
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
    assert sorted(map(repr, kept.findings)) == sorted(map(repr, rebuilt.findings))
