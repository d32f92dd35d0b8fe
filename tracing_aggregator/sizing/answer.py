"""From a demand to what it needs: text, and settings."""

from collections.abc import Callable, Mapping
from functools import partial

from pipeline.config.settings import Settings
from tracing_aggregator.sizing import tables
from tracing_aggregator.sizing.costs import Costs, costs
from tracing_aggregator.sizing.curves import Curve
from tracing_aggregator.sizing.model import Demand, cluster, limits


def model_text(curves: Mapping[str, Curve], demand: Demand) -> str:
    """The cluster for a demand, and what breaks first."""
    settings = Settings()
    costs_at = costs_for(curves, demand)
    found = cluster(demand, costs_at, settings)
    broken = limits(demand, costs_at(demand.partitions / found.workers), settings)
    return f"{tables.cluster_table(demand, found)}\n{tables.limits_table(broken)}"


def costs_for(curves: Mapping[str, Curve], demand: Demand) -> Callable[[float], Costs]:
    """Costs of what is asked for, by partitions for each worker."""
    return partial(_costs, curves, demand)


def _costs(curves: Mapping[str, Curve], demand: Demand, partitions_per_worker: float) -> Costs:
    return costs(curves, demand.groups, partitions_per_worker, demand.retention_s)
