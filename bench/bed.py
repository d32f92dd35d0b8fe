"""Where the runs take place: a broker, a folder, topics, and for some a Flink cluster with one job."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory

from bench.console import Say
from bench.documents import ROOT
from bench.generate import Traffic
from bench.preload import PARTITIONS, create_topics, preload
from pipeline.config.settings import OUTPUT_TOPICS, Settings, property_name
from runners.flink.cluster import running_job
from runners.kafka.broker import Broker
from tests.cluster.cluster import Cluster
from tests.cluster.object_store import BUCKET, ObjectStore

PATIENCE_S = 300
POLL_S = 0.2


@dataclass(frozen=True)
class Bed:
    """`traffic` is preloaded in the tracing topic; each run gets names of its own for all else, and `overrides`."""

    servers: str
    folder: Path
    traffic: Traffic
    traces: int
    say: Say
    overrides: Mapping[str, str] = field(default_factory=dict)
    _numbers: Iterator[int] = field(default_factory=count)

    def settings(self, tracing: str | None = None, partitions: int = PARTITIONS) -> dict[str, str]:
        """Settings of a new run, its output topics made; `tracing`, if it is not the preloaded topic, is made too."""
        number = next(self._numbers)
        defaults = Settings()
        outputs = {property_name(topic): f"{getattr(defaults, topic)}-{number}" for topic in OUTPUT_TOPICS}
        create_topics(self.servers, tracing, outputs.values(), partitions)
        return {
            "bootstrap.servers": self.servers,
            "application.id": f"bench-{number}",
            "state.dir": str(self.folder / "state"),
            "tracing.topic": tracing or defaults.tracing_topic,
            "metrics.port": "0",
            **outputs,
            **self.overrides,
        }

    def run_folder(self, settings: dict[str, str]) -> Path:
        """A folder for one run."""
        folder = self.folder / settings["application.id"]
        folder.mkdir()
        return folder


@contextmanager
def test_bed(traffic: Traffic, overrides: Mapping[str, str], say: Say) -> Iterator[Bed]:
    """A broker with the traffic in its tracing topic, for as long as the block runs; nothing of it stays."""
    with _broker(say) as (folder, broker):
        servers, topic = broker.bootstrap_servers, Settings().tracing_topic
        create_topics(servers, topic, ())
        say(f"Preloading {traffic.outputs} traces …")
        traces = preload(servers, topic, traffic.traces())
        say(f"{traces} traces of {traffic.messages} messages are in {topic}.")
        yield Bed(servers, folder, traffic, traces, say, overrides)


class ClusterBed:
    """A broker, a Flink cluster, and the settings of the job on it."""

    def __init__(
        self,
        folder: Path,
        broker: Broker,
        changes: Mapping[str, str],
        *,
        is_available: bool,
        store: ObjectStore | None = None,
    ) -> None:
        self.folder = folder
        self._store = store
        self.broker = broker
        self._is_available = is_available
        self._stack = ExitStack()
        self.settings = {
            "bootstrap.servers": broker.bootstrap_servers,
            "application.id": "bench",
            "state.dir": str(folder / "state"),
            "flink.checkpoints.dir": f"s3://{BUCKET}/checkpoints" if store else f"file://{self.checkpoints}",
            "workers": "2",
            **changes,
        }

    @property
    def checkpoints(self) -> Path:
        """Where checkpoints lie: outside of the cluster, which may go."""
        return self.folder / "checkpoints"

    def new_cluster(self, name: str) -> None:
        """Ends the cluster there is, if any, and starts another."""
        self._stack.close()
        made = Cluster(self.folder / name, is_available=self._is_available, store=self._store)
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
        line = [sys.executable, "-m", "tracing_aggregator.cli.main", *arguments]
        line += [part for name, value in self.settings.items() for part in ("-o", f"{name}={value}")]
        environ = os.environ | (self._store.environ if self._store else {})
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

    def wait(self, ready: Callable[[], bool], otherwise: str) -> None:
        """Until `ready`; TimeoutError after five minutes."""
        deadline = time.monotonic() + PATIENCE_S
        while not ready():
            if time.monotonic() > deadline:
                raise TimeoutError(f"{otherwise} within {PATIENCE_S} s")
            time.sleep(POLL_S)


@contextmanager
def cluster_bed(
    changes: Mapping[str, str], say: Say, *, partitions: int, is_available: bool = False, has_s3: bool = False
) -> Iterator[ClusterBed]:
    """All of it with the job running, for as long as the block runs; `partitions` of the tracing topic."""
    with _broker(say) as (folder, broker), ExitStack() as stack:
        store = stack.enter_context(ObjectStore(folder / "store.log")) if has_s3 else None
        bed = ClusterBed(folder, broker, changes, is_available=is_available, store=store)
        try:
            say("Starting a Flink cluster …")
            bed.new_cluster("cluster")
            bed.command("topics", f"--partitions={partitions}")
            say("Submitting the job …")
            say(f"Job {bed.submit()} runs.")
            yield bed
        finally:
            bed.close()


@contextmanager
def _broker(say: Say) -> Iterator[tuple[Path, Broker]]:
    with TemporaryDirectory(prefix="tracing-aggregator-bench-", ignore_cleanup_errors=True) as folder:
        say("Starting a broker …")
        with Broker(Path(folder) / "broker") as broker:
            yield Path(folder), broker
