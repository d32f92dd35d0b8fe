"""The scale model: the cluster that N messages a second need, and which assumption breaks first. See docs/scale.md.

Everything is taken as linear in the number of traces: the cost of a trace at full load is what two cores measured, and
a cluster is many of them. The limits say where that ends. Pure.
"""

import math
from collections.abc import Callable
from typing import NamedTuple

from pipeline.config.settings import Settings
from tracing_aggregator.sizing.costs import Costs

GB = 1e9
#: Flink hands a list of RocksDB over as one Java array.
LARGEST_JOURNAL = 2**31
_MS = 1000
_ROUNDS = 40


class Demand(NamedTuple):
    """What is asked for.

    `partitions` are those of all business topics together; `lag_s` is by how much the slowest group lags; `busy` is
    the part of each core that is used; `cores` are those of one TaskManager.
    """

    messages_per_s: float
    groups: int = 1
    retention_s: float = 86_400
    lag_s: float = 0
    partitions: int = 4096
    busy: float = 0.6
    cores: int = 8
    checkpoint_s: float = 10
    replicas: int = 3

    @property
    def traces_per_s(self) -> float:
        """SEND, ACK, and CONSUME and COMMIT of each group."""
        return self.messages_per_s * (2 + 2 * self.groups)

    @property
    def kept_s(self) -> float:
        """For so long a message weighs what it weighs."""
        return self.retention_s * lag_factor(self.groups, self.retention_s, self.lag_s)


class Cluster(NamedTuple):
    """What it takes. Memory and state in bytes, networks in bytes/s."""

    java_cores: int
    workers: int
    task_managers: int
    shards: int
    tracing_partitions: int
    state: float
    memory: float
    checkpoint: float
    journal_of_a_shard: float
    rebuild_s: float
    broker_in: float
    broker_out: float
    hottest_partition: float


class Limit(NamedTuple):
    """`assumption` ends at so many messages/s; `remedy` is what moves it."""

    assumption: str
    messages_per_s: float
    remedy: str


def lag_factor(groups: int, retention_s: float, lag_s: float) -> float:
    """How much more state there is when one of the groups lags, once as many messages are forgotten as come.

    A message lives for a retention after its last fact: all that is known of it waits for the last group. A group that
    is later than a retention finds it forgotten: what it tells is kept for a retention by itself, as without a lag.
    """
    if not groups or lag_s >= retention_s:
        return 1.0
    early, late = 2 * groups, 2
    return 1 + early / (early + late) * lag_s / retention_s


CostsAt = Callable[[float], Costs]
"""Costs by the number of partitions for each worker."""


def cluster(demand: Demand, costs_at: CostsAt, settings: Settings) -> Cluster:
    """The cluster for this demand. Shards: as many for each worker as were measured."""
    costs, workers = _settled(demand, costs_at)
    messages, traces = demand.messages_per_s, demand.traces_per_s
    java_cores = math.ceil(traces * costs.java_s / demand.busy)
    shards = workers * max(1, settings.locate_shards // settings.workers)
    kept = messages * demand.kept_s
    # While facts come and it is judged, the block of a message is at hand.
    hot = messages * (settings.unconsumed_ms / _MS + demand.lag_s)
    raw, written = traces * costs.raw_bytes, traces * costs.record_bytes
    return Cluster(
        java_cores=java_cores,
        workers=workers,
        task_managers=math.ceil((java_cores + workers) / demand.cores),
        shards=shards,
        tracing_partitions=math.ceil(traces * costs.python_s * costs.parse_share / demand.busy),
        state=kept * costs.bytes_per_message,
        memory=kept * costs.locate_weight + min(hot, kept) * costs.join_weight,
        checkpoint=messages * costs.written_bytes,
        journal_of_a_shard=kept * costs.locate_bytes / shards,
        rebuild_s=min(hot, kept) * costs.rebuild_s / workers,
        broker_in=(raw + written) * demand.replicas,
        broker_out=raw + (raw + written) * (demand.replicas - 1),
        hottest_partition=commits_ceiling(costs, demand.groups) * demand.busy,
    )


def _settled(demand: Demand, costs_at: CostsAt) -> tuple[Costs, int]:
    """Costs depend on the partitions for each worker, and these on the workers: a few rounds settle it."""
    load, workers = demand.traces_per_s / demand.busy, 1.0
    for _ in range(_ROUNDS):
        workers = math.sqrt(workers * max(1.0, load * costs_at(demand.partitions / workers).python_s))
    whole = max(1, math.ceil(workers))
    return costs_at(demand.partitions / whole), whole


def partition_ceiling(costs: Costs, groups: int) -> float:
    """Messages/s of one partition whose newest block keeps one worker busy with joining alone."""
    return 1 / (costs.python_s * costs.join_share * (2 + 2 * groups))


def commits_ceiling(costs: Costs, groups: int) -> float:
    """Messages/s of one partition whose commits keep one worker busy for each group; without groups, of its blocks."""
    if not groups:
        return partition_ceiling(costs, groups)
    return groups / (costs.python_s * costs.order_share * (2 + 2 * groups))


def limits(demand: Demand, costs: Costs, settings: Settings) -> list[Limit]:
    """Where each assumption ends with these settings, the first to break first."""
    each, kept_s = 2 + 2 * demand.groups, demand.kept_s
    shards, per_worker = settings.locate_shards, costs.traces_per_worker * demand.busy / each
    found = [
        Limit(
            "no shard of SENDs holds more facts than `limit.open.per.key`",
            shards * settings.limit_open_per_key / costs.locate_facts / kept_s,
            "raise `limit.open.per.key` or `locate.shards`; or a shorter `retention.ms`",
        ),
        Limit(
            "all SENDs that are remembered fit into the cache of one TaskManager, `state.cache.mb`",
            settings.state_cache_mb * 1e6 / costs.locate_weight / kept_s,
            "more memory; or a shorter `retention.ms`",
        ),
        Limit(
            "the journal of one shard fits into one array (2 GiB)",
            LARGEST_JOURNAL * shards / costs.locate_bytes / kept_s,
            "more `locate.shards`; or a shorter `retention.ms`",
        ),
        Limit(
            "every worker has a shard of SENDs, `locate.shards`",
            shards * per_worker,
            "more `locate.shards`",
        ),
        Limit(
            "a step has at most `flink.max.parallelism` instances",
            settings.flink_max_parallelism * per_worker,
            "raise `flink.max.parallelism`",
        ),
        Limit(
            "one worker joins the newest block of a partition as fast as it fills, if all has one partition",
            partition_ceiling(costs, demand.groups) * demand.busy,
            "nothing stops: the next block lies with another worker, and latency grows; more partitions",
        ),
    ]
    if demand.groups:
        found.append(
            Limit(
                "one worker brings the commits of a group in a partition into order, if all has one partition",
                commits_ceiling(costs, demand.groups) * demand.busy,
                "more partitions; a group that commits batches, not each message",
            )
        )
    return sorted(found, key=lambda limit: limit.messages_per_s)
