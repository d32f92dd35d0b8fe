"""The run: a broker, a cluster, a job, traces at a fixed rate, and a look at all of it every few seconds."""

import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory

from bench.generate import SECOND, Traffic
from bench.outputs import Growth
from bench.preload import Loader, paced
from bench.processes import JAVA, PYTHON, ProcessTree, Usage
from bench.report import machine
from bench.steady.job import job_settings, submit
from bench.steady.samples import Figures, Sample, bytes_per_message
from pipeline.config.settings import Settings
from runners.flink.rest import FlinkError, FlinkRest
from runners.kafka.broker import Broker
from tests.cluster.cluster import Cluster

TRACES_PER_MESSAGE = 4
WARM_UP_S = 30
STRAGGLERS_S = 120


def steady(minutes: float, rate: int, retention_s: int, every_s: float, say: Callable[[str], None]) -> Figures:
    """Holds the rate for so long and returns what was seen."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory(prefix="tracing-aggregator-steady-")))
        say("Starting a broker and a Flink cluster …")
        broker = stack.enter_context(Broker(folder / "broker"))
        cluster = stack.enter_context(Cluster(folder / "cluster"))
        settings = job_settings(broker.bootstrap_servers, folder, retention_s) | cluster.settings()
        say("Submitting the job …")
        job = submit(settings)
        watch = _Watch(stack, cluster, job, broker.bootstrap_servers)
        loader = Loader(broker.bootstrap_servers, Settings().tracing_topic)
        messages = int(rate * (minutes * 60 + WARM_UP_S)) // TRACES_PER_MESSAGE
        traffic = Traffic(messages, time.time_ns() + SECOND, SECOND * TRACES_PER_MESSAGE // rate)
        feeder = threading.Thread(target=_feed, args=(loader, traffic), name="feeder", daemon=True)
        say(f"{rate} traces/s for {WARM_UP_S} s and {minutes:g} minutes …")
        feeder.start()
        feeder.join(WARM_UP_S)
        before = watch.begin(loader)
        samples = []
        while feeder.is_alive():
            feeder.join(every_s)
            samples.append(watch.look(loader.produced))
            if len(samples) % 12 == 0:
                say(str(samples[-1]))
        after, seconds = watch.tree.usage(), samples[-1].at
        deadline = time.monotonic() + STRAGGLERS_S
        while watch.growth.look() < traffic.outputs and time.monotonic() < deadline:
            time.sleep(1)
        cpu = after.since(before.usage)
        traces = samples[-1].traces - before.traces
        return Figures(
            machine(),
            minutes=seconds / 60,
            rate=rate,
            retention_s=retention_s,
            workers=int(settings["workers"]),
            traces=loader.produced,
            records=watch.growth.look(),
            checkpoints=samples[-1].checkpoints - before.checkpoints,
            failed=watch.look(loader.produced).failed,
            cpu_s_per_million={kind: cpu.get(kind, 0) * 1e6 / traces for kind in (JAVA, PYTHON)},
            cores_busy=sum(cpu.values()) / seconds,
            state_bytes_per_message=bytes_per_message(samples, rate, retention_s),
            samples=samples,
        )


def _feed(loader: Loader, traffic: Traffic) -> None:
    for trace in paced(traffic.traces()):
        loader.produce(trace)
    loader.flush()


class _Before:
    """What was when the measurement began."""

    def __init__(self, usage: Usage, traces: int, checkpoints: int, failed: int) -> None:
        self.usage = usage
        self.traces = traces
        self.checkpoints = checkpoints
        self.failed = failed


class _Watch:
    """Looks at processes, checkpoints and outputs. Checkpoints that could not begin before all ran do not count."""

    def __init__(self, stack: ExitStack, cluster: Cluster, job: str, servers: str) -> None:
        self._rest: FlinkRest = cluster.rest
        self._job = job
        self.tree = stack.enter_context(ProcessTree(cluster.task_managers[0].pid))
        self._job_manager = stack.enter_context(ProcessTree(cluster.job_manager.pid))
        self.growth = stack.enter_context(Growth(servers, Settings().aggregated_topic))
        self._failed_before = 0
        self._newest: tuple[float, float, float] = (0, 0, 0)
        self._counts = {"completed": 0, "failed": 0}

    def begin(self, loader: Loader) -> _Before:
        """From now on it counts."""
        self._look_at_checkpoints()
        self._failed_before = self._counts["failed"]
        self._began = time.monotonic()
        return _Before(self.tree.usage(), loader.produced, self._counts["completed"], self._failed_before)

    def look(self, traces: int) -> Sample:
        """One sample."""
        self._look_at_checkpoints()
        memory, job_manager = self.tree.usage().memory_mb, self._job_manager.usage().memory_mb
        size, written, seconds = self._newest
        return Sample(
            at=time.monotonic() - self._began,
            job_manager_mb=job_manager.get(JAVA, 0),
            task_manager_mb=memory.get(JAVA, 0),
            workers_mb=memory.get(PYTHON, 0),
            checkpoint_mb=size,
            written_mb=written,
            checkpoint_s=seconds,
            checkpoints=self._counts["completed"],
            failed=self._counts["failed"] - self._failed_before,
            traces=traces,
            records=self.growth.look(),
        )

    def _look_at_checkpoints(self) -> None:
        try:
            told = self._rest.get(f"/jobs/{self._job}/checkpoints")
        except FlinkError:
            return  # the machine is busy: the next look is soon
        self._counts = told["counts"]
        if newest := told["latest"]["completed"]:
            self._newest = (
                newest["state_size"] / 1e6,
                newest["checkpointed_size"] / 1e6,
                newest["end_to_end_duration"] / 1e3,
            )
