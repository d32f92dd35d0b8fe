"""What a load needs, and its limits, as Markdown."""

from collections.abc import Iterable, Sequence

from tracing_aggregator.sizing.model import GB, Cluster, Demand, Limit

#: What floating point leaves of nothing.
_NOTHING = 1e-6


def grid(head: Sequence[str], lines: Iterable[Sequence[str]]) -> str:
    """A table; the first column is text."""
    aligned = ["---", *["---:"] * (len(head) - 1)]
    return "".join(f"| {' | '.join(line)} |\n" for line in (head, aligned, *lines))


def number(value: float) -> str:
    """Three digits that count, thousands apart."""
    if abs(value) < _NOTHING:
        return "0"
    if abs(value) >= 100:  # noqa: PLR2004  no fraction from here on
        return f"{value:,.0f}"
    return f"{value:.3g}"


def cluster_table(demand: Demand, found: Cluster) -> str:
    """What the demand takes."""
    lines = [
        ("raw traces a second", number(demand.traces_per_s)),
        ("cores for Java", number(found.java_cores)),
        ("Python workers, one core each", number(found.workers)),
        (f"TaskManagers of {demand.cores} cores", number(found.task_managers)),
        ("`locate.shards`", number(found.shards)),
        ("partitions of the tracing topic, at least", number(found.tracing_partitions)),
        ("messages/s that one business partition may carry", number(found.hottest_partition)),
        ("state in a checkpoint, TB", number(found.state / 1e12)),
        ("memory of all workers' caches, GB", number(found.memory / GB)),
        ("written by checkpoints, GB/s", number(found.checkpoint / GB)),
        (
            f"written in each interval of {demand.checkpoint_s:g} s, GB",
            number(found.checkpoint * demand.checkpoint_s / GB),
        ),
        ("journal of one shard, MB", number(found.journal_of_a_shard / 1e6)),
        ("CPU of each worker to rebuild the blocks at hand after a failure, s", number(found.rebuild_s)),
        (f"network into brokers, {demand.replicas} replicas, GB/s", number(found.broker_in / GB)),
        ("network out of brokers, GB/s", number(found.broker_out / GB)),
    ]
    groups = f"{demand.groups} group{'' if demand.groups == 1 else 's'}"
    title = f"{demand.messages_per_s:,.0f} messages/s, {groups}, retention {demand.retention_s / 3600:g} h"
    return grid((title, "needed"), lines)


def limits_table(found: Sequence[Limit]) -> str:
    """The first to break first."""
    lines = [(limit.assumption, number(limit.messages_per_s), limit.remedy) for limit in found]
    return grid(("assumption, with the default settings", "breaks at messages/s", "what moves it"), lines)
