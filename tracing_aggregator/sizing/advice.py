"""Which settings break at a rate, and what to set instead."""

import math
from typing import Literal, NamedTuple

from pipeline.config.settings import Settings
from tracing_aggregator.sizing.answer import costs_for
from tracing_aggregator.sizing.curves import load
from tracing_aggregator.sizing.model import Cluster, Demand, cluster, limits
from tracing_aggregator.sizing.tables import grid

_MB = 1e6
_GB = 1e9
#: A shard has by chance more than its share.
_UNEVEN = 1.5
#: RocksDB's own files, and two checkpoints that overlap.
_COPIES = 3
#: What a process takes besides its share of the cache: docs/operations.md, Sizing.
_JVM_MB, _WORKER_MB, _FLINK_MB_OF_A_CORE = 300, 160, 400
#: Beyond this nothing of a machine is promised to one process.
_SPARE = 1.25


class Finding(NamedTuple):
    """`level` as in `check`; `todo` is what to set or to do."""

    level: Literal["ok", "problem", "advice"]
    subject: str
    message: str
    todo: str


class Needs(NamedTuple):
    """Settings by name; memory of everything together and disk of `state.dir`, in bytes; cores."""

    settings: dict[str, int]
    memory: float
    disk: float
    cores: int


def needs(demand: Demand, settings: Settings) -> Needs:
    """What a demand takes on one machine, with these settings where they are enough."""
    found, facts = _worked_out(demand, settings)
    workers = max(settings.workers, found.workers)
    shards = max(settings.locate_shards, 1 << (workers - 1).bit_length())
    wanted = {
        "workers": workers,
        "flink.parallelism": max(settings.flink_parallelism, workers),
        "flink.max.parallelism": max(settings.flink_max_parallelism, workers),
        "locate.shards": shards,
        "limit.open.per.key": max(settings.limit_open_per_key, _up(_UNEVEN * facts / shards, 10_000)),
        "state.cache.mb": max(settings.state_cache_mb, _up(found.memory / _MB, 256)),
        "flink.memory.mb": max(settings.flink_memory_mb, _FLINK_MB_OF_A_CORE * found.java_cores),
    }
    memory_mb = wanted["flink.memory.mb"] + _JVM_MB + wanted["state.cache.mb"] + workers * _WORKER_MB
    return Needs(wanted, memory_mb * _MB, _COPIES * found.state, found.java_cores + found.workers)


def findings(demand: Demand, settings: Settings, free: int | None) -> list[Finding]:
    """What breaks at this rate; `free` is the room in bytes where the state lies, None where it lies elsewhere."""
    wanted = needs(demand, settings)
    found, _ = _worked_out(demand, settings)
    costs = costs_for(load(), demand)(demand.partitions / found.workers)
    rate = f"{demand.messages_per_s:,.0f} messages/s"
    told = [
        Finding(
            "advice" if "one partition" in limit.assumption else "problem",
            rate,
            f"breaks at {limit.messages_per_s:,.0f}: {limit.assumption}",
            limit.remedy,
        )
        for limit in limits(demand, costs, settings)
        if limit.messages_per_s < demand.messages_per_s
    ]
    if free is not None and free < wanted.disk:
        told.append(
            Finding(
                "problem",
                rate,
                f"needs {wanted.disk / _GB:,.1f} GB of disk, and there are {free / _GB:,.1f}",
                "Put state.dir on a larger disk, or shorten retention.ms.",
            )
        )
    changed = {name: value for name, value in wanted.settings.items() if value != _now(settings, name)}
    flags = " ".join(f"-o {name}={value}" for name, value in changed.items())
    summary = (
        f"takes {wanted.cores} cores, {wanted.memory / _GB:,.1f} GB of memory and {wanted.disk / _GB:,.1f} GB of disk"
    )
    return [*told, Finding("advice" if changed else "ok", rate, summary, f"Set: {flags}" if changed else "")]


def values(demand: Demand, settings: Settings) -> str:
    """A values file of the chart for this demand."""
    wanted = needs(demand, settings)
    gib = 2**30
    memory = math.ceil(_SPARE * wanted.memory / gib)
    hours = f"{demand.retention_s / 3600:g}"
    settings_lines = "".join(
        f"  {name}: {value}\n" for name, value in {"retention.ms": settings.retention_ms, **wanted.settings}.items()
    )
    return (
        f"# {demand.messages_per_s:,.0f} messages/s of {demand.groups} group(s), remembered for {hours} h. "
        "Worked out by the model, not run. Written by\n"
        f"#   tracing-aggregator size --messages-per-second {demand.messages_per_s:.0f} "
        f"--retention-hours {hours} --values\n"
        f"settings:\n{settings_lines}"
        "aggregator:\n"
        "  resources:\n"
        f'    requests: {{cpu: "{wanted.cores}", memory: {memory}Gi}}\n'
        f"    limits: {{memory: {memory}Gi}}\n"
        f"  state:\n    size: {_up(wanted.disk / gib, 10)}Gi\n"
    )


def table() -> str:
    """What usual loads need, as Markdown: one group, default settings otherwise."""
    lines = []
    for rate in (200, 1_000, 10_000, 50_000):
        for hours in (24, 1):
            settings = Settings(retention_ms=hours * 3_600_000)
            wanted = needs(Demand(rate, retention_s=hours * 3600, partitions=256), settings)
            lines.append(
                (
                    *(f"{rate:,}", f"{hours} h", f"{wanted.cores}", f"{wanted.settings['state.cache.mb']:,}"),
                    *(f"{wanted.memory / _GB:,.1f}", f"{wanted.disk / _GB:,.0f}"),
                    f"{wanted.settings['limit.open.per.key']:,}",
                )
            )
    head = (
        "messages/s",
        "`retention.ms`",
        "cores",
        "`state.cache.mb`",
        "memory, GB",
        "disk, GB",
        "`limit.open.per.key`",
    )
    return grid(head, lines)


def _worked_out(demand: Demand, settings: Settings) -> tuple[Cluster, float]:
    """The cluster, and the facts that all shards of SENDs hold together."""
    costs_at = costs_for(load(), demand)
    found = cluster(demand, costs_at, settings)
    return found, demand.messages_per_s * demand.kept_s * costs_at(demand.partitions / found.workers).locate_facts


def _now(settings: Settings, name: str) -> int:
    return int(getattr(settings, name.replace(".", "_")))


def _up(value: float, step: int) -> int:
    return math.ceil(value / step) * step
