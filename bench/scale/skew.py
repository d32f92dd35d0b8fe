"""The simulation beside what was measured, and for clusters that cannot be measured here."""

from collections.abc import Mapping, Sequence

from bench.scale.core_curves import LAG_GROUPS, LAG_RETENTION_S
from bench.scale.flink_curves import skewed
from bench.scale.simulate import Case, Outcome, is_joined, simulate, zipf
from tracing_aggregator.sizing.costs import costs
from tracing_aggregator.sizing.curves import Curve
from tracing_aggregator.sizing.model import lag_factor
from tracing_aggregator.sizing.tables import grid, number

#: More than can be done, so that there is always work.
_OVERLOAD = 1.5
EXPONENTS = (0.0, 0.5, 1.0, 1.5)
_HOUR = 3600


def burst_check(curves: Mapping[str, Curve], seconds: float = 60) -> str:
    """Bursts in which one partition of four has most of the traffic: traces/s beside those of an even burst."""
    measured = curves["burst-skew"]
    even = min(row[measured.x] for row in measured.rows)
    spent = costs(curves, 1, 2, _HOUR)
    rate = measured.at(even, "traces/s") / 2

    def run(share: float) -> Outcome:
        offered = _OVERLOAD * rate * 2 / 4
        tied = spent.join_share, spent.order_share
        return simulate(Case(offered, skewed(share).shares, 2, rate, *tied, seconds=seconds))

    whole = sum(run(even).done)
    lines = []
    for row in measured.rows:
        share = row[measured.x]
        outcome = run(share)
        simulated, real = sum(outcome.done) / whole, row["traces/s"] / measured.at(even, "traces/s")
        shares = outcome.share_of_busiest, row["share of the busiest worker"]
        lines.append(
            [number(share), *(f"{value:.2f}" for value in (simulated, real, *shares)), f"{simulated / real - 1:+.0%}"]
        )
    head = (
        "share of one partition of four",
        "traces/s, simulated (even = 1)",
        "measured",
        "busiest worker's part, simulated",
        "measured",
        "simulation off by",
    )
    return grid(head, lines)


def lag_check(curves: Mapping[str, Curve]) -> str:
    """State and lost joins over the lag of a group."""
    measured, lines = curves["core-lag"], []
    for row in measured.rows:
        lag = row[measured.x] * LAG_RETENTION_S
        predicted = lag_factor(LAG_GROUPS, LAG_RETENTION_S, lag)
        facts, size = (row[column] / measured.at(0, column) for column in ("join facts", "bytes per message"))
        joined = float(is_joined(LAG_RETENTION_S, lag)), row["lagging CONSUMEs joined"]
        texts = (f"{value:.2f}" for value in (predicted, facts, size, *joined))
        lines.append([number(lag), *texts, f"{predicted / facts - 1:+.0%}"])
    head = (
        "lag s",
        "facts kept, predicted (no lag = 1)",
        "measured",
        "bytes of journals, measured",
        "joined, predicted",
        "measured",
        "facts off by",
    )
    return grid(head, lines)


def flink_lag_check(curves: Mapping[str, Curve]) -> str:
    """The same on embedded Flink: which deliveries of a lagging group are joined."""
    lines = []
    for row in curves["flink-lag"].rows:
        retention = row["lag s"] / row["lag / retention"] if row["lag s"] else 1
        predicted = is_joined(retention, row["lag s"])
        lines.append([number(row["lag s"]), f"{predicted:.2f}", f"{row['joined']:.2f}"])
    return grid(("lag s", "joined, predicted", "measured"), lines)


def zipf_table(
    curves: Mapping[str, Curve],
    *,
    messages_per_s: float,
    partitions: int,
    workers: int,
    groups: int,
    lags_s: Sequence[float],
    seconds: float,
    seed: int,
    exponents: Sequence[float] = EXPONENTS,
) -> str:
    """Zipf's skew over the partitions of a cluster, through the measured service rate."""
    spent = costs(curves, groups, partitions / workers, _HOUR)
    tied, lines = (spent.join_share, spent.order_share), []
    for exponent in exponents:
        shares = zipf(partitions, exponent)
        outcome = simulate(
            Case(messages_per_s, shares, workers, spent.traces_per_worker, *tied, lags_s, seconds, seed=seed)
        )
        waiting = outcome.backlog[-1] if outcome.backlog else 0.0
        grown = (waiting - outcome.backlog[len(outcome.backlog) // 2]) / (seconds / 2) if outcome.backlog else 0.0
        lines.append(
            [
                f"{exponent:g}", f"{shares[0]:.1%}", f"{sum(outcome.done) / outcome.written:.1%}", f"{outcome.first}",
                f"{max(outcome.busy):.0%}", f"{sum(outcome.busy) / workers:.0%}", number(waiting),
                number(max(0.0, grown)), number(outcome.latency_s),
            ]
        )  # fmt: skip
    head = (
        "Zipf exponent",
        "largest partition",
        "done in time",
        "first full: worker",
        "busy",
        "mean of all",
        "traces that wait",
        "more of them each s",
        "added latency s",
    )
    return grid(head, lines)
