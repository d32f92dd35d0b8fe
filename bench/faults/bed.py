"""Where faults happen: a broker, a cluster, and one job on it for all of them."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from bench.aggregator import ROOT
from bench.processes import PROC
from pipeline.config.settings import Settings
from runners.flink.cluster import running_job
from runners.flink.rest import FlinkError
from runners.kafka.broker import Broker
from tests.cluster.cluster import Cluster
from tests.cluster.object_store import BUCKET, ObjectStore
from tests.cluster.process import FlinkProcess

PATIENCE_S = 300
POLL_S = 0.2
#: So short that deadlines pass in each window; holds are longer than any outage.
SETTINGS = {
    **dict.fromkeys(("hold.send.ms", "hold.ack.ms", "hold.consume.ms", "hold.commit.ms"), "240000"),
    "unacked.ms": "8000",
    "unconsumed.ms": "8000",
    "stats.interval.ms": "2000",
    "anomaly.burst": "100000",
    "retention.ms": "3600000",
    "checkpoint.interval.ms": "2000",
    "discovery.interval.ms": "2000",
    "flink.parallelism": "2",
    "workers": "2",
}


class Bed:
    """The broker, the cluster now in use, and the settings of the job."""

    def __init__(self, folder: Path, broker: Broker, say: Callable[[str], None], store: ObjectStore | None) -> None:
        self.folder = folder
        self._store = store
        self.broker = broker
        self.say = say
        self._stack = ExitStack()
        self.settings = {
            "bootstrap.servers": broker.bootstrap_servers,
            "application.id": "faults",
            "state.dir": str(folder / "state"),
            "flink.checkpoints.dir": f"s3://{BUCKET}/checkpoints" if store else f"file://{self.checkpoints}",
            **SETTINGS,
        }

    @property
    def tracing_topic(self) -> str:
        """Where traces are written."""
        return Settings().tracing_topic

    @property
    def checkpoints(self) -> Path:
        """Where checkpoints lie: outside of the cluster, which may go."""
        return self.folder / "checkpoints"

    def new_cluster(self, name: str) -> None:
        """Ends the cluster there is, if any, and starts another."""
        self._stack.close()
        made = Cluster(self.folder / name, is_available=True, store=self._store)
        self.cluster = self._stack.enter_context(made)
        self.settings |= self.cluster.settings()

    @contextmanager
    def lost_storage(self) -> Iterator[bool]:
        """No checkpoint can be written. True: each fails, since a file lies where their folder was.

        False: the store is silent, and what is written to it waits.
        """
        if self._store:
            with self._store.silent():
                yield False
            return
        aside = self.checkpoints.with_name("aside")
        self.checkpoints.rename(aside)
        self.checkpoints.touch()
        try:
            yield True
        finally:
            self.checkpoints.unlink()
            aside.rename(self.checkpoints)

    def close(self) -> None:
        """Ends the cluster."""
        self._stack.close()

    def command(self, *arguments: str) -> str:
        """Runs `tracing-aggregator` with the settings; returns what it prints."""
        environ = os.environ | (self._store.environ if self._store else {})
        line = [sys.executable, "-m", "tracing_aggregator.cli.main", *arguments]
        line += [part for name, value in self.settings.items() for part in ("-o", f"{name}={value}")]
        ended = subprocess.run(
            line, cwd=ROOT, capture_output=True, text=True, timeout=2 * PATIENCE_S, check=False, env=environ
        )
        if ended.returncode:
            raise RuntimeError(f"{arguments[0]} ended with exit code {ended.returncode}:\n{ended.stderr}")
        return ended.stdout.strip()

    def submit(self) -> str:
        """Starts the job; returns its id."""
        return self.command("run", "--runner=flink")

    def job(self) -> str | None:
        """The job that runs, if Flink answers."""
        try:
            return running_job(self.cluster.rest, self.settings["application.id"])
        except Exception:  # noqa: BLE001  nobody answers while a JobManager is replaced
            return None

    def is_processing(self) -> bool:
        """Whether all tasks of the job run."""
        job = self.job()
        return job is not None and self.cluster.rest.is_processing(job)

    def checkpoint_counts(self) -> dict[str, int]:
        """How many checkpoints of the job were complete, and failed, since the JobManager started."""
        try:
            return dict(self.cluster.rest.get(f"/jobs/{self.job()}/checkpoints")["counts"])
        except FlinkError:
            return {}

    def workers(self) -> list[int]:
        """The Python workers of all TaskManagers."""
        return [pid for process in self.cluster.task_managers if process.is_alive for pid in _workers_of(process)]

    def wait_for_checkpoint(self) -> None:
        """Until one more is complete."""
        before = self.checkpoint_counts().get("completed", 0)
        self.wait(lambda: self.checkpoint_counts().get("completed", 0) > before, "no checkpoint was complete")

    def wait(self, ready: Callable[[], bool], otherwise: str) -> None:
        """Until `ready`; TimeoutError after five minutes."""
        deadline = time.monotonic() + PATIENCE_S
        while not ready():
            if time.monotonic() > deadline:
                raise TimeoutError(f"{otherwise} within {PATIENCE_S} s")
            time.sleep(POLL_S)


def _workers_of(process: FlinkProcess) -> list[int]:
    """Its children that are Python workers, from /proc."""
    tasks = PROC.joinpath(str(process.pid), "task").iterdir()
    children = [child for task in tasks for child in task.joinpath("children").read_text().split()]
    return [int(child) for child in children if b"runners.worker" in PROC.joinpath(child, "cmdline").read_bytes()]


@contextmanager
def fault_bed(folder: Path, say: Callable[[str], None], *, has_s3: bool) -> Iterator[Bed]:
    """All of it, with the job running; three partitions in the tracing topic, of which nobody ever writes the last."""
    say("Starting a broker …")
    with Broker(folder / "broker") as broker, ExitStack() as stack:
        store = stack.enter_context(ObjectStore(folder / "store.log")) if has_s3 else None
        bed = Bed(folder, broker, say, store)
        try:
            say("Starting a Flink cluster with high availability …")
            bed.new_cluster("cluster")
            bed.command("topics", "--partitions=3")
            say("Submitting the job …")
            say(f"Job {bed.submit()} runs.")
            yield bed
        finally:
            bed.close()
