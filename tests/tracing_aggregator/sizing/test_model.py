import math

import pytest

from pipeline.config.settings import Settings
from tests.bench.invented_curves import COSTS, invented
from tracing_aggregator.sizing.costs import costs, settled
from tracing_aggregator.sizing.curves import FIGURES, Curve, load, save
from tracing_aggregator.sizing.model import Demand, cluster, limits, partition_ceiling

DEFAULTS = Settings()


def found(demand: Demand):
    return cluster(demand, lambda _: COSTS, DEFAULTS)


@pytest.mark.parametrize(
    "name",
    ["java_cores", "workers", "task_managers", "shards", "state", "memory", "checkpoint", "broker_in", "broker_out"],
)
def test_more_messages_never_need_less(name):
    sizes = [getattr(found(Demand(messages)), name) for messages in (1e3, 1e4, 1e5, 1e6)]
    assert sizes == sorted(sizes)
    assert sizes[0] < sizes[-1]


def test_cores_are_those_of_the_measured_cost_of_a_trace_on_busy_cores():
    small = found(Demand(1000, groups=1, busy=0.5))
    assert small.java_cores == math.ceil(4000 * COSTS.java_s / 0.5)
    assert small.workers == math.ceil(4000 * COSTS.python_s / 0.5)


def test_each_group_adds_two_traces_to_a_message():
    assert [Demand(1000, groups).traces_per_s for groups in (0, 1, 4)] == [2000, 4000, 10_000]


def test_state_is_what_a_retention_brings_and_a_lag_within_it_adds_to_it():
    whole = found(Demand(1000, retention_s=3600)).state
    assert whole == pytest.approx(1000 * 3600 * COSTS.bytes_per_message)
    assert found(Demand(1000, retention_s=3600, lag_s=1800)).state == pytest.approx(1.25 * whole)
    assert found(Demand(1000, retention_s=3600, lag_s=9e9)).state == pytest.approx(whole)


def test_raw_traces_are_read_once_and_copied_between_brokers():
    one, three = (found(Demand(1000, replicas=replicas)) for replicas in (1, 3))
    assert one.broker_in == pytest.approx(4000 * (COSTS.raw_bytes + COSTS.record_bytes))
    assert one.broker_out == pytest.approx(4000 * COSTS.raw_bytes)
    assert three.broker_in - one.broker_in == pytest.approx(three.broker_out - one.broker_out)


def test_workers_and_the_partitions_of_each_settle_when_cost_depends_on_them():
    dearer = cluster(Demand(10_000, partitions=1000), lambda each: COSTS._replace(python_s=1e-4 * (1 + each)), DEFAULTS)
    each = 1000 / dearer.workers
    assert dearer.workers == pytest.approx(40_000 * 1e-4 * (1 + each) / 0.6, rel=0.03)


def test_limits_come_in_the_order_in_which_they_break():
    rates = [limit.messages_per_s for limit in limits(Demand(1e6), COSTS, DEFAULTS)]
    assert rates == sorted(rates)
    assert len(rates) == 7


def test_a_longer_retention_lowers_the_limits_of_memory_alone():
    hour, day = (
        {limit.assumption: limit.messages_per_s for limit in limits(Demand(1e6, retention_s=seconds), COSTS, DEFAULTS)}
        for seconds in (3600, 86_400)
    )
    lower = {assumption for assumption, rate in day.items() if rate < hour[assumption]}
    assert len(lower) == 3
    assert all(day[assumption] == pytest.approx(hour[assumption] / 24) for assumption in lower)


def test_without_groups_nothing_is_said_of_commits():
    assert not any("commit" in limit.assumption for limit in limits(Demand(1e6, groups=0), COSTS, DEFAULTS))


def test_one_partition_is_bound_by_the_ordering_of_its_commits_and_its_newest_block_by_the_joining_of_one_worker():
    assert found(Demand(1000, groups=1, busy=0.5)).hottest_partition == pytest.approx(
        0.5 / (COSTS.python_s * COSTS.order_share * 4)
    )
    assert partition_ceiling(COSTS, groups=1) * 4 * COSTS.python_s * COSTS.join_share == pytest.approx(1)


def test_costs_at_a_measured_point_are_those_that_were_measured():
    curves = invented()
    spent = costs(curves, groups=2, partitions_per_worker=2, retention_s=600)
    assert spent.java_s == pytest.approx(curves["burst-groups"].at(2, "Java CPU s per million") / 1e6)
    assert spent.python_s == pytest.approx(curves["burst-groups"].at(2, "Python CPU s per million") / 1e6)
    assert spent.join_share == pytest.approx(
        curves["core-groups"].at(2, "join CPU s") / curves["core-groups"].at(2, "CPU s per million")
    )
    assert spent.traces_per_worker == pytest.approx(1 / spent.python_s)


def test_more_partitions_for_each_worker_make_a_trace_dearer_by_what_was_measured():
    curves = invented()
    few, many = (costs(curves, 1, partitions / 2, 600).python_s for partitions in (4, 64))
    measured = curves["burst-partitions"]
    ratio = measured.at(64, "Python CPU s per million") / measured.at(4, "Python CPU s per million")
    assert many / few == pytest.approx(ratio)


def test_what_is_dear_in_the_first_minutes_matters_less_the_longer_a_message_is_kept():
    rows = [{"retention s": seconds, "bytes": 100 + 30_000 / seconds} for seconds in (300, 600, 1200)]
    kept = Curve("", "retention s", rows, "")
    assert [settled(kept, seconds, "bytes") for seconds in (600, 1200, 86_400)] == pytest.approx(
        [150, 125, 100.347], abs=0.01
    )


def test_between_two_points_a_curve_is_a_line_and_beyond_them_it_is_level():
    curve = Curve("", "x", [{"x": 4, "y": 40.0}, {"x": 1, "y": 10.0}], "")
    assert [curve.at(x, "y") for x in (0, 1, 2, 4, 9)] == [10, 10, 20, 40, 40]


def test_curves_are_kept_with_four_digits_that_count(tmp_path):
    file = tmp_path / "scale.json"
    save({"a": Curve("title", "x", [{"x": 1, "y": 0.123456}], "here")}, file)
    assert load(file) == {"a": Curve("title", "x", [{"x": 1, "y": 0.1235}], "here")}
    assert load(tmp_path / "nothing.json") == {}


@pytest.mark.skipif(not FIGURES.exists(), reason="nothing was kept yet")
def test_the_model_of_the_kept_figures_gives_back_the_machine_they_were_measured_on():
    """What two cores did at full load takes two cores by the model."""
    curves = load()
    measured = curves["burst-groups"]
    rate = measured.at(1, "traces/s")
    two = cluster(
        Demand(rate / 4, busy=1, partitions=4),
        lambda _: costs(curves, 1, 2, 3600),
        DEFAULTS,
    )
    assert two.java_cores + two.workers <= 3
    spent = sum(measured.at(1, f"{kind} CPU s per million") for kind in ("Java", "Python")) * rate / 1e6
    assert spent <= 2.1
