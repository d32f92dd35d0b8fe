"""The numbers of the demo's head: those of the dashboard's first page, of the same records, minutes and names."""

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from tracing_aggregator.dashboard.intake.sketches import merged, shortened
from tracing_aggregator.explain.words import elapsed
from transforms.input.dates import NANOS_PER_MILLI, nanos_of
from transforms.stats.in_flight import in_flight

MINUTE_MS = 60_000
#: What the dashboard shows unless it is told otherwise, in minutes.
MINUTES = 15
COUNTED = ("produced", "expected", "actual", "over", "under")


class Numbers(NamedTuple):
    """What was delivered, of the last 15 minutes; latencies are from produced to first read, in ms.

    `p50` and `p99` are None while nothing was read.
    """

    produced: int
    expected: int
    consumed: int
    over: int
    under: int
    p50: float | None
    p99: float | None

    @property
    def in_flight(self) -> int:
        """Messages that a group has still time to read."""
        return in_flight(self.expected, self.consumed, self.under)

    def __str__(self) -> str:
        counts = (
            f"produced {self.produced}",
            f"expected {self.expected}",
            f"consumed {self.consumed}",
            f"over {self.over}",
            f"under {self.under}",
            f"in flight {self.in_flight}",
        )
        return "  ".join(counts)

    @property
    def latency(self) -> str:
        """The latencies in words."""
        if self.p50 is None or self.p99 is None:
            return "p50 -  p99 -"
        p50, p99 = (elapsed(round(ms * NANOS_PER_MILLI)) for ms in (self.p50, self.p99))
        return f"p50 {p50}  p99 {p99}"


class WindowTotals:
    """Keeps the newest statistics of each minute, topic and group."""

    def __init__(self) -> None:
        self._records: dict[tuple[str, ...], Mapping[str, Any]] = {}

    def take(self, record: Mapping[str, Any]) -> None:
        """Take in a record of the statistics topic, in place of the one before with its key."""
        if record.get("kind") not in {"topic", "group"}:
            return
        key = record["kind"], record["topic"], record.get("groupId", ""), record["windowStart"]
        if record.get("withdrawn"):
            self._records.pop(key, None)
            return
        known = {name: record[name] for name in COUNTED if name in record}
        if "consumeLatencyMs" in record:
            known["latencies"] = shortened(record["consumeLatencyMs"])
        self._records[key] = known

    def numbers(self, now_ms: int) -> Numbers:
        """Those of the minute that is and the 14 before it; what is older is forgotten."""
        oldest = (now_ms // MINUTE_MS + 1 - MINUTES) * MINUTE_MS
        self._records = {
            key: record for key, record in self._records.items() if nanos_of(key[-1]) // NANOS_PER_MILLI >= oldest
        }
        produced, expected, actual, over, under = (_sum(self._records.values(), name) for name in COUNTED)
        latencies = merged(record["latencies"] for record in self._records.values() if "latencies" in record) or {}
        return Numbers(produced, expected, actual, over, under, latencies.get("p50"), latencies.get("p99"))


def _sum(records: Iterable[Mapping[str, Any]], name: str) -> int:
    return sum(record.get(name, 0) for record in records)
