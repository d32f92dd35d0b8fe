"""Flink in a JVM of ours: a job that runs until it is told to stop.

choose snapshot ─ submit ─ processing ─┬─ SIGTERM: savepoint, cancel ── end, exit code 0
▲                                      └─ it failed ─────────────────── end, exit code 1
└─ it could not start from that one: the next older one
"""

import shlex
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from threading import Event

from pipeline.config.load import Config
from runners.flink.job_server import JobServer
from runners.flink.options import embedded_configuration
from runners.flink.rest import FlinkError, FlinkRest
from runners.flink.resume import candidates
from runners.flink.running_job import RunningJob
from runners.flink.savepoints import prune
from runners.java.java_process import JavaProcessError
from runners.kafka.read_plan import admin_client, describe, partitions
from runners.kafka.start_anew import require_a_first_start
from runners.kafka_graph import Build
from runners.ports import free_ports
from runners.state_folder import StateFolder
from runners.stop_signals import stop_request

POLL_S = 1.0


def run(
    config: Config,
    build: Build,
    tell: Callable[[str], None],
    beam_flags: Sequence[str] = (),
    from_savepoint: str = "",
    *,
    may_start_anew: bool = False,
) -> int:
    """Runs the pipeline until SIGINT or SIGTERM. Returns the exit code: 0, or 1 when the job failed.

    It resumes from `from_savepoint` (a path), else from the newest snapshot of the state folder that Flink can start
    from; where state was lost it starts without any only if it may. Raises `UserError` for what the user can mend.
    `tell` gets lines for stderr.
    """
    folder = StateFolder.of(config.settings)
    with folder.hold(), stop_request(tell, "stopping with a savepoint") as stop:
        found = partitions(admin_client(config), config.settings)
        snapshots = candidates(config, folder, from_savepoint)
        if not snapshots and not may_start_anew:
            require_a_first_start(config, found, str(folder.root))
        tell("Starting Flink (some 5 s) …")
        with JobServer(config.settings, folder) as server:
            tell(f"Reading {describe(found)} as group {config.settings.application_id}.")
            return Embedded(config, build, tell, folder, stop, server, beam_flags).run(snapshots)


@dataclass(frozen=True)
class Embedded:
    """What lasts from attempt to attempt."""

    config: Config
    build: Build
    tell: Callable[[str], None]
    folder: StateFolder
    stop: Event
    server: JobServer
    beam_flags: Sequence[str] = ()

    def run(self, snapshots: Sequence[Path] = ()) -> int:
        """A job from the first of these snapshots that Flink can start from; its exit code, when it is over."""
        for snapshot in snapshots or (None,):
            job = self.start(snapshot)
            if job:
                return self.watch(job)
            if self.stop.is_set():
                return 0
        return 1

    def start(self, snapshot: Path | None) -> RunningJob | None:
        """A job that processes; None where it failed before that, or `stop` is set."""
        started, settings = time.monotonic(), self.config.settings
        (port,) = free_ports(1)
        self.tell(f"Resuming from {snapshot}" if snapshot else f"No state in {self.folder.root}: starting anew.")

        def configuration(job: str) -> dict[str, str]:
            return embedded_configuration(settings, rest_port=port, job_id=job, folder=self.folder, restore=snapshot)

        try:
            worker = str(worker_script(self.folder))
            submission = self.server.submit(self.build, configuration, worker, beam_flags=self.beam_flags)
        except JavaProcessError as error:
            self.tell(str(error))
            return None
        rest = FlinkRest(f"localhost:{port}")
        job = RunningJob(submission.job, rest, submission, self.server, self.tell)
        if job.wait_until_processing(self.stop, settings.flink_start_timeout_ms / 1000):
            seconds = time.monotonic() - started
            self.tell(f"Running after {seconds:.1f} s. Flink: http://{rest.address}, log: {self.server.process.log}")
            return job
        if self.stop.is_set():
            job.cancel()
            self.tell("Stopped before it processed anything; the state is as it was.")
        else:
            self.tell(f"The job failed: {job.failure()}")
        return None

    def watch(self, job: RunningJob) -> int:
        """Until its end, or ours. Returns the exit code."""
        is_pruned = False
        while not self.stop.wait(POLL_S):
            if job.is_over:
                self.tell(f"The job failed: {job.failure()}")
                return 1
            job.look()
            if not is_pruned and self._has_checkpoint(job):
                prune(self.folder, job.id)
                is_pruned = True
        within_s = self.config.settings.flink_savepoint_timeout_ms / 1000
        savepoint = job.end_with_savepoint(self.folder.new_savepoint(), within_s)
        self.tell(f"Savepoint: {savepoint}" if savepoint else "Stopped; the next run resumes from the last checkpoint.")
        return 0

    def _has_checkpoint(self, job: RunningJob) -> bool:
        try:
            return bool(job.rest.newest_checkpoint(job.id))
        except FlinkError:
            return False  # the next look is soon


def worker_script(folder: StateFolder) -> Path:
    """The program that Flink starts as a Python worker: this very Python, with our packages, whatever the PATH says."""
    script = folder.root / "worker"
    home = Path(__file__).resolve().parents[2]
    script.write_text(
        "#!/bin/sh\n"
        f"PYTHONPATH={shlex.quote(str(home))}${{PYTHONPATH:+:$PYTHONPATH}} exec {shlex.quote(sys.executable)} "
        f'-m runners.worker "$@" 2>>{shlex.quote(str(folder.log("workers")))}\n'
    )
    script.chmod(0o700)
    return script
