"""A standalone Flink cluster on this machine: JobManager, TaskManagers and, for high availability, a ZooKeeper."""

import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Self

from pipeline.config.settings import Settings
from runners.flink.cluster_jars import copy_plugin, library
from runners.flink.embedded import worker_script
from runners.flink.rest import Access, FlinkError, FlinkRest
from runners.java.find_java import find_java
from runners.ports import free_ports, listens
from runners.state_folder import StateFolder
from tests.cluster.configuration import configuration
from tests.cluster.distribution import lay_out
from tests.cluster.object_store import ObjectStore
from tests.cluster.process import FlinkProcess

START_S = 180
POLL_S = 0.2
SESSION = ("jobmanager.sh", "start-foreground")


class ClusterError(Exception):
    """A process of the cluster ended, or was not ready in time; with the end of its log."""


class Cluster:
    """Runs inside the block. `folder` takes everything: installation, logs, checkpoints.

    `command` starts the JobManager: a session, or with `standalone-job.sh` and its arguments one job; `jars` are added
    to `lib`, `more` to the configuration. It can keep state in `store`, whose login its processes have. `access` is how
    its REST interface wants to be spoken to. With `is_available` a JobManager that dies is replaced by the next
    `start_job_manager`, which takes over.
    """

    def __init__(
        self,
        folder: Path,
        *,
        task_managers: int = 1,
        is_available: bool = False,
        command: Sequence[str] = SESSION,
        jars: Sequence[Path] = (),
        more: Mapping[str, str] | None = None,
        store: ObjectStore | None = None,
        access: Access | None = None,
    ) -> None:
        self.folder = folder
        self._wanted = task_managers
        self._command = command
        self._java = find_java()
        rpc_port, rest_port, self._zookeeper_port, *peer_ports = free_ports(5)
        self._is_available = is_available
        self._peer_ports = peer_ports
        self.rest = FlinkRest(f"localhost:{rest_port}", access or Access())
        quorum = f"127.0.0.1:{self._zookeeper_port}" if is_available else ""
        own = configuration(folder, rpc_port=rpc_port, rest_port=rest_port, quorum=quorum)
        self.configuration = own | (store.flink if store else {}) | dict(more or {})
        self._environ = store.environ if store else {}
        self.home = lay_out(folder / "flink", [*library(Settings()), *jars], self.configuration)
        if store:
            copy_plugin(self.home / "plugins")
        self.task_managers: list[FlinkProcess] = []
        self._stack = ExitStack()
        self._number = 0

    @property
    def checkpoints(self) -> Path:
        """Where the jobs' checkpoints are."""
        return self.folder / "checkpoints"

    def settings(self) -> dict[str, str]:
        """What a run on this cluster is told, besides its topics."""
        workers = StateFolder(self.folder / "workers")
        workers.root.mkdir(exist_ok=True)
        return {"flink.master": self.rest.address, "flink.worker.command": str(worker_script(workers))}

    def start_job_manager(self) -> None:
        """Starts one and waits until it answers."""
        script, *arguments = self._command
        self.job_manager = self._start(script, arguments)
        self._wait(self._answers, self.job_manager)

    def start_task_manager(self) -> FlinkProcess:
        """Starts one more; `wait_for_slots` says when it is there."""
        self.task_managers.append(self._start("taskmanager.sh", ["start-foreground"]))
        return self.task_managers[-1]

    def wait_for_slots(self, slots: int) -> None:
        """Returns when the cluster has so many, free or not."""
        self._wait(lambda: self._answers() and self.rest.slots() >= slots, *self.task_managers)

    def __enter__(self) -> Self:
        (self.folder / "tmp").mkdir(parents=True, exist_ok=True)
        with self._stack:
            if self._is_available:
                self._start_zookeeper()
            for _ in range(self._wanted):
                self.start_task_manager()
            self.start_job_manager()
            if self._command == SESSION:
                self.wait_for_slots(2 * self._wanted)
            self._stack = self._stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def _start_zookeeper(self) -> None:
        peer, election = self._peer_ports
        (self.home / "conf" / "zoo.cfg").write_text(
            f"tickTime=1000\ninitLimit=10\nsyncLimit=5\nclientPort={self._zookeeper_port}\n"
            f"clientPortAddress=127.0.0.1\ndataDir={self.folder}/zookeeper\nadmin.enableServer=false\n"
            f"server.1=127.0.0.1:{peer}:{election}\n"
        )
        arguments = ["zookeeper", "--zkConfigFile", str(self.home / "conf" / "zoo.cfg"), "--peerId", "1"]
        zookeeper = self._start("flink-console.sh", arguments)  # zookeeper.sh would stay above the JVM
        self._wait(lambda: listens(self._zookeeper_port), zookeeper)

    def _start(self, script: str, arguments: Sequence[str]) -> FlinkProcess:
        self._number += 1
        log = self.folder / "log" / f"{self._number}-{script.removesuffix('.sh')}.log"
        process = FlinkProcess(self.home, script, arguments, self._java, log, self._environ)
        self._stack.callback(process.stop)
        return process

    def _answers(self) -> bool:
        try:
            self.rest.jobs()
        except FlinkError:
            return False
        return True

    def _wait(self, ready: Callable[[], bool], *processes: FlinkProcess) -> None:
        deadline = time.monotonic() + START_S
        while not ready():
            for process in processes:
                if not process.is_alive and process is processes[-1]:
                    raise ClusterError(f"It ended:\n{process.tail()}")
            if time.monotonic() > deadline:
                raise ClusterError(f"Not ready within {START_S} s:\n{processes[-1].tail()}")
            time.sleep(POLL_S)
