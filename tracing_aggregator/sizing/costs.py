"""What one trace and one remembered message cost, read from the curves that were measured."""

from collections.abc import Mapping
from typing import NamedTuple

from tracing_aggregator.sizing.curves import Curve

MILLION = 1_000_000
#: Partitions are told per worker, since a worker has work with each of its own; so many were at work.
_WORKERS = 2
#: What the curves over partitions and retention were measured with.
_USUAL_PARTITIONS = 4
_USUAL_GROUPS = 1


class Costs(NamedTuple):
    """CPU seconds of a trace at full load; of a remembered message bytes; bytes of records with their keys.

    `join_share`, `order_share` and `parse_share` are the parts of Python's work that are bound to a block, to the
    commits of a group in a partition, and to a partition of the tracing topic.
    """

    java_s: float
    python_s: float
    join_share: float
    order_share: float
    parse_share: float
    locate_bytes: float
    other_bytes: float
    locate_weight: float
    join_weight: float
    locate_facts: float
    written_bytes: float
    raw_bytes: float
    record_bytes: float
    rebuild_s: float

    @property
    def bytes_per_message(self) -> float:
        """In a checkpoint, without what RocksDB has not compacted yet."""
        return self.locate_bytes + self.other_bytes

    @property
    def traces_per_worker(self) -> float:
        """Traces/s that keep one Python worker, a process on one core, busy."""
        return 1 / self.python_s


def costs(curves: Mapping[str, Curve], groups: float, partitions_per_worker: float, retention_s: float) -> Costs:
    """Of a message with so many groups. Beyond what was measured the last point holds."""
    full, core, kept = curves["burst-groups"], curves["core-groups"], curves["core-retention"]
    partitions = curves["burst-partitions"]

    def at_full_load(column: str) -> float:
        here = partitions.at(partitions_per_worker * _WORKERS, column)
        return full.at(groups, column) / MILLION * here / partitions.at(_USUAL_PARTITIONS, column)

    def share(kind: str) -> float:
        return core.at(groups, f"{kind} CPU s") / core.at(groups, "CPU s per million")

    def by_retention(column: str) -> float:
        return settled(kept, retention_s, column) * core.at(groups, column) / core.at(_USUAL_GROUPS, column)

    return Costs(
        java_s=at_full_load("Java CPU s per million"),
        python_s=at_full_load("Python CPU s per million"),
        join_share=share("join"),
        order_share=share("order"),
        parse_share=share("parse"),
        locate_bytes=by_retention("locate bytes"),
        other_bytes=sum(by_retention(f"{kind} bytes") for kind in ("order", "follow", "join")),
        locate_weight=by_retention("locate weight"),
        join_weight=by_retention("join weight"),
        locate_facts=by_retention("locate facts"),
        written_bytes=by_retention("written bytes per message"),
        raw_bytes=core.at(groups, "raw bytes per trace"),
        record_bytes=core.at(groups, "record bytes per trace"),
        rebuild_s=by_retention("rebuild µs per message") / MILLION,
    )


def settled(kept: Curve, retention_s: float, column: str) -> float:
    """A column of the curve over retention, beyond its last point too.

    A message is dear in its first minutes only: what is kept per message falls as 1 / retention, to what remains.
    """
    near, last = sorted(kept.rows, key=lambda row: row[kept.x])[-2:]
    if retention_s <= last[kept.x]:
        return kept.at(retention_s, column)
    early = (near[column] - last[column]) / (1 / near[kept.x] - 1 / last[kept.x])
    return max(0.0, last[column] + early * (1 / retention_s - 1 / last[kept.x]))
