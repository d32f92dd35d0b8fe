"""What was measured: one `Row` a run, and the summary of many numbers."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from bench.processes import Usage


@dataclass
class Throughput:
    """How fast traces went through.

    `per_s` counts from the first moment of processing to the last output, `warm_per_s` from a quarter of the outputs
    on (None where they come all at once). CPU in seconds per million traces, by kind of process, without the start.
    `kb_per_trace` is the peak of memory beyond that of a run without traces, where such a run was made.
    """

    traces: int
    seconds: float
    per_s: float
    warm_per_s: float | None
    is_complete: bool
    cpu_s_per_million: Mapping[str, float] = field(default_factory=dict)
    kb_per_trace: float | None = None


@dataclass
class Latency:
    """Seconds from the date of a trace to its record being readable."""

    traces: int
    p50: float
    p95: float
    p99: float

    @classmethod
    def of(cls, delays: Sequence[float]) -> "Latency":
        """Of all these delays, at least one."""
        ordered = sorted(delays)
        return cls(len(ordered), *(ordered[min(len(ordered) - 1, int(len(ordered) * q))] for q in (0.5, 0.95, 0.99)))


@dataclass
class Idle:
    """What a run costs while nothing happens: CPU in percent of one core, memory in MB, each by kind of process."""

    cpu_percent: Mapping[str, float]
    memory_mb: Mapping[str, float]

    @classmethod
    def of(cls, before: Usage, after: Usage, seconds: float) -> "Idle":
        """Between two looks."""
        return cls({kind: 100 * cpu / seconds for kind, cpu in after.since(before).items()}, after.memory_mb)


@dataclass
class Row:
    """One run. What was not measured in it, or is not to be had, is None or empty."""

    name: str
    start_s: float | None = None
    throughput: Throughput | None = None
    peak_mb: Mapping[str, float] = field(default_factory=dict)
    latency: Mapping[str, Latency] = field(default_factory=dict)
    idle: Idle | None = None
    counters: Mapping[str, int] = field(default_factory=dict)
    failure: str = ""

    def as_json(self) -> dict[str, Any]:
        """Plain values."""
        return asdict(self)
