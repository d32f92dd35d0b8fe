"""What is looked at every few seconds while the rate is held, and the sums of it."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from statistics import mean
from typing import Any


@dataclass(frozen=True)
class Sample:
    """One look, `at` seconds after the first trace.

    Resident memory in MB; the newest checkpoint in MB (`checkpoint_mb` all of it, `written_mb` what it wrote) and how
    many seconds it took; how many failed so far; traces written to Kafka and records that came out.
    """

    at: float
    job_manager_mb: float
    task_manager_mb: float
    workers_mb: float
    checkpoint_mb: float
    written_mb: float
    checkpoint_s: float
    checkpoints: int
    failed: int
    traces: int
    records: int


@dataclass(frozen=True)
class Figures:
    """A run. `cpu_s_per_million` by kind of process, of the TaskManager and its workers, without the start."""

    machine: str
    minutes: float
    rate: int
    retention_s: int
    workers: int
    traces: int
    records: int
    checkpoints: int
    failed: int
    cpu_s_per_million: dict[str, float]
    cores_busy: float
    state_bytes_per_message: float
    samples: list[Sample]

    def as_json(self) -> dict[str, Any]:
        """Plain values."""
        return asdict(self)

    @classmethod
    def of_json(cls, values: dict[str, Any]) -> "Figures":
        """The other way."""
        return cls(**{**values, "samples": [Sample(**one) for one in values["samples"]]})

    @property
    def is_well(self) -> bool:
        """Everything came out and no checkpoint failed."""
        return self.records >= self.traces and not self.failed


def thirds(samples: Sequence[Sample], name: str) -> tuple[float, float, float]:
    """The mean of an attribute in the second and the last third of the time, and its maximum."""
    values = [float(getattr(sample, name)) for sample in samples]
    part = max(1, len(values) // 3)
    return mean(values[part : 2 * part] or values), mean(values[-part:]), max(values)


def bytes_per_message(samples: Sequence[Sample], rate: int, retention_s: int) -> float:
    """State per message that is remembered, once as many are forgotten as come; of the last third of the samples."""
    messages = rate / 4 * min(retention_s, samples[-1].at)
    return thirds(samples, "checkpoint_mb")[1] * 1e6 / messages
