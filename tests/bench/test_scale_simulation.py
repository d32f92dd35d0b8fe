from dataclasses import replace

import pytest

from bench.scale.simulate import Case, is_joined, simulate, zipf
from tracing_aggregator.sizing.model import lag_factor

CALM = Case(messages_per_s=1000, shares=[1] * 8, workers=4, traces_per_s=2000, bound=0.5, seconds=10)


def traces(case: Case) -> float:
    """What its clients write: SEND and ACK at once, two more for each group once it reads."""
    reading = [max(0.0, case.seconds - lag) for lag in (0.0, *case.lags_s)]
    return 2 * case.messages_per_s * sum(reading)


@pytest.mark.parametrize("rate", [100, 1000, 5000])
@pytest.mark.parametrize("lags_s", [(), (0.0,), (0.0, 4.0)])
def test_every_trace_is_done_or_waits(rate, lags_s):
    case = replace(CALM, messages_per_s=rate, lags_s=lags_s, shares=zipf(8, 1))
    outcome = simulate(case)
    assert outcome.written == pytest.approx(traces(case))
    assert sum(outcome.done) + outcome.backlog[-1] == pytest.approx(outcome.written)
    assert sum(outcome.done) <= outcome.read + 1e-6 <= outcome.written + 2e-6


def test_what_is_less_than_the_workers_can_do_does_not_wait():
    outcome = simulate(CALM)
    assert sum(outcome.done) == pytest.approx(outcome.written, rel=0.01)
    assert outcome.latency_s < 0.3
    assert max(outcome.busy) < 0.7


def test_what_is_more_waits_longer_and_longer():
    case = replace(CALM, messages_per_s=4000)
    outcome = simulate(case)
    assert sum(outcome.done) <= 4 * 2000 * 10 + 1e-6
    assert outcome.backlog == sorted(outcome.backlog)
    assert outcome.latency_s > 3
    assert max(outcome.busy) > 0.8  # never 1: blocks that meet at one worker hold the others up


def test_no_worker_does_more_than_it_can():
    outcome = simulate(replace(CALM, messages_per_s=9000, shares=zipf(8, 1.5)))
    assert max(outcome.done) <= 2000 * 10 + 1e-6
    assert max(outcome.busy) <= 1 + 1e-9


def test_one_partition_with_nearly_all_traffic_makes_a_worker_full_and_holds_the_others_up():
    even, skewed = (
        simulate(replace(CALM, messages_per_s=3000, shares=shares)) for shares in ([1] * 64, [100, 1, 1, 1])
    )
    assert sum(skewed.done) < sum(even.done)
    assert min(skewed.busy) < min(even.busy)


def test_work_that_is_bound_to_nothing_is_done_by_all_alike_whatever_the_skew():
    outcome = simulate(replace(CALM, bound=0, shares=[1, 0, 0, 0]))
    assert outcome.done == pytest.approx([outcome.done[0]] * 4)
    assert outcome.share_of_busiest == pytest.approx(0.25)


def test_work_that_is_fixed_to_one_partition_stays_with_one_worker():
    outcome = simulate(replace(CALM, bound=0, fixed=0.4, shares=[1, 0]))
    few, most = min(outcome.done), max(outcome.done)
    assert sorted(outcome.done)[:3] == pytest.approx([few] * 3)
    assert most / sum(outcome.done) == pytest.approx(0.4 + 0.6 / 4, rel=0.02)


def test_a_group_that_lags_longer_than_the_run_brings_nothing():
    without, later = (simulate(replace(CALM, lags_s=lags)) for lags in ((), (99.0,)))
    assert later.written == pytest.approx(without.written)


def test_the_same_seed_gives_the_same_and_another_one_other_workers():
    case = replace(CALM, shares=zipf(8, 1))
    assert simulate(case) == simulate(case)
    assert simulate(case).done != simulate(replace(case, seed=2)).done


def test_shares_by_zipf_sum_up_to_one_and_fall():
    shares = zipf(64, 1.2)
    assert sum(shares) == pytest.approx(1)
    assert shares == sorted(shares, reverse=True)
    assert zipf(5, 0) == pytest.approx([0.2] * 5)


def test_what_is_known_of_a_message_waits_for_the_last_group():
    """Of two groups one lags: four facts of six wait, the two of its own do not."""
    assert [lag_factor(2, 600, lag) for lag in (0, 300, 540)] == pytest.approx([1, 1 + 4 / 6 / 2, 1 + 4 / 6 * 0.9])
    assert lag_factor(0, 600, 300) == 1


def test_beyond_retention_nothing_waits_and_nothing_is_joined():
    assert lag_factor(2, 600, 600) == 1
    assert [is_joined(600, lag) for lag in (0, 599, 600)] == [True, True, False]
