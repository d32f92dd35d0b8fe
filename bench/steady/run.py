"""The run: a job on a cluster, traces at a fixed rate, and a look at all of it every few seconds."""

import time
from contextlib import ExitStack, suppress
from typing import Any

from bench.bed import ClusterBed, cluster_bed
from bench.console import Say
from bench.documents import machine
from bench.fast.figures import cpu_per_million
from bench.generate import SECOND, Traffic
from bench.outputs import Growth
from bench.preload import PARTITIONS, Feeder
from bench.processes import JAVA, PYTHON, ProcessTree
from pipeline.config.settings import Settings
from runners.flink.rest import FlinkError

TRACES_PER_MESSAGE = 4
WARM_UP_S = 30
STRAGGLERS_S = 120
#: Samples between two lines about them.
SAID_EVERY = 12
_WAITS = ("hold.send.ms", "hold.ack.ms", "hold.consume.ms", "hold.commit.ms", "unacked.ms")

#: What was looked at, by name, each with its unit; `seconds` after the first look.
Sample = dict[str, float]


def steady(minutes: float, rate: int, retention_s: int, every_s: float, say: Say) -> dict[str, Any]:
    """Holds the rate for so long and returns what was seen.

    The settings are the defaults, but for a retention that ends while we watch, and waits that fit into it.
    """
    retention_ms = retention_s * 1000
    settings = {**dict.fromkeys(_WAITS, str(min(10_000, retention_ms))), "retention.ms": str(retention_ms)}
    with cluster_bed(settings, say, partitions=PARTITIONS) as bed, _Watch(bed) as watch:
        messages = int(rate * (minutes * 60 + WARM_UP_S)) // TRACES_PER_MESSAGE
        traffic = Traffic(messages, time.time_ns() + SECOND, SECOND * TRACES_PER_MESSAGE // rate)
        say(f"{rate} traces/s for {WARM_UP_S} s and {minutes:g} minutes …")
        with Feeder(bed.broker.bootstrap_servers, Settings().tracing_topic, traffic.traces()) as feeder:
            feeder.is_over(WARM_UP_S)
            before, first, samples = watch.tree.usage(), watch.look(feeder.produced), list[Sample]()
            while not feeder.is_over(every_s):
                samples.append(watch.look(feeder.produced))
                if len(samples) % SAID_EVERY == 0:
                    say(str(samples[-1]))
        cpu, seconds = watch.tree.usage().since(before), samples[-1]["seconds"] - first["seconds"]
        deadline = time.monotonic() + STRAGGLERS_S
        while watch.growth.look() < traffic.outputs and time.monotonic() < deadline:
            time.sleep(1)
        last = watch.look(feeder.produced)
    return {
        "machine": machine(),
        "minutes": seconds / 60,
        "rate": rate,
        "retention_s": retention_s,
        "workers": int(bed.settings["workers"]),
        "traces": last["traces"],
        "records": last["records"],
        "checkpoints": last["checkpoints"] - first["checkpoints"],
        "failed": last["failed"] - first["failed"],
        **cpu_per_million(cpu, samples[-1]["traces"] - first["traces"]),
        "cores_busy": sum(cpu.values()) / seconds,
        "samples": samples,
    }


class _Watch(ExitStack):
    """Looks at processes, checkpoints and outputs."""

    def __init__(self, bed: ClusterBed) -> None:
        super().__init__()
        self._rest, self._job = bed.cluster.rest, bed.job()
        self.tree = self.enter_context(ProcessTree(bed.cluster.task_managers[0].pid))
        self._job_manager = self.enter_context(ProcessTree(bed.cluster.job_manager.pid))
        self.growth = self.enter_context(Growth(bed.broker.bootstrap_servers, Settings().aggregated_topic))
        self._began = time.monotonic()
        self._checkpoints: dict[str, Any] = {"counts": {"completed": 0, "failed": 0}, "latest": {"completed": None}}

    def look(self, traces: int) -> Sample:
        """One sample."""
        with suppress(FlinkError):  # the machine is busy: the one before stands
            self._checkpoints = self._rest.get(f"/jobs/{self._job}/checkpoints")
        memory, counts = self.tree.usage().memory_mb, self._checkpoints["counts"]
        newest, records = self._checkpoints["latest"]["completed"] or {}, self.growth.look()
        return {
            "seconds": time.monotonic() - self._began,
            "job_manager_mb": self._job_manager.usage().memory_mb.get(JAVA, 0),
            "task_manager_mb": memory.get(JAVA, 0),
            "workers_mb": memory.get(PYTHON, 0),
            "checkpoint_mb": newest.get("state_size", 0) / 1e6,
            "written_mb": newest.get("checkpointed_size", 0) / 1e6,
            "checkpoint_s": newest.get("end_to_end_duration", 0) / 1e3,
            "checkpoints": counts["completed"],
            "failed": counts["failed"],
            "traces": traces,
            "records": records,
            "behind": max(0, traces - records),
        }
