"""Flink in a JVM of ours: a job that runs until it is told to stop, and starts over when there is more to read.

plan reads ─ choose snapshot ─ submit ─ processing ─┬─ SIGTERM: savepoint, cancel ── end, exit code 0
▲                                                   ├─ it failed ─────────────────── end, exit code 1
└─ savepoint, cancel ── new topics or partitions ───┘
"""

import shlex
import sys
import time
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING

from pipeline.config import Config
from pipeline.errors import UserError
from runners.event_time import CREATE_TIME, choose_policy, start_time
from runners.flink_options import beam_options, embedded_configuration, write_configuration
from runners.flink_rest import FlinkRest
from runners.java_process import JavaProcessError
from runners.job_records import JobRecord, frozen_settings
from runners.job_server import Build, JobServer
from runners.offset_log import OffsetLog
from runners.ports import free_ports
from runners.reads import Partitions, admin_client, partitions, plan
from runners.resume import choose
from runners.running_job import RunningJob
from runners.savepoints import prune
from runners.state_folder import StateFolder
from runners.stop_signals import stop_request

if TYPE_CHECKING:
    from confluent_kafka.admin import AdminClient

POLL_S = 1.0
SETTLE_S = 2.0


class Ending(Enum):
    """Why a job is over."""

    STOPPED = "asked to stop"
    CHANGED = "there is more to read"
    FAILED = "it failed"


def run(
    config: Config,
    build: Build,
    tell: Callable[[str], None],
    beam_flags: Sequence[str] = (),
    from_savepoint: str = "",
) -> int:
    """Runs the pipeline until SIGINT or SIGTERM. Returns the exit code: 0, or 1 when the job failed.

    The first job resumes from `from_savepoint` (a path), else from the newest snapshot of the state folder.
    Raises `UserError` for what the user can mend. `tell` gets lines for stderr.
    """
    folder = StateFolder.of(config.settings)
    with folder.hold(), stop_request(tell, "stopping with a savepoint") as stop:
        embedded = Embedded(config, build, tell, folder, stop, beam_flags, admin_client(config))
        found = embedded.look()
        tell("Starting Flink (10 to 20 s) …")
        with JobServer(config.settings, folder) as server:
            ending = Ending.CHANGED
            while ending is Ending.CHANGED and not stop.is_set():
                ending, found = embedded.run_job(server, found, from_savepoint)
                from_savepoint = ""
    return 1 if ending is Ending.FAILED else 0


@dataclass(frozen=True)
class Embedded:
    """What lasts from job to job."""

    config: Config
    build: Build
    tell: Callable[[str], None]
    folder: StateFolder
    stop: Event
    beam_flags: Sequence[str]
    admin: "AdminClient"

    def look(self) -> Partitions:
        """The topics and partitions to read that exist now."""
        return partitions(self.admin, self.config.settings)

    def run_job(self, server: JobServer, found: Partitions, given: str = "") -> tuple[Ending, Partitions]:
        """One job that reads `found`, from its preparation to its end; with what the next one would read.

        `given` is a snapshot to resume from in place of the newest.
        """
        started, settings = time.monotonic(), self.config.settings
        policy = choose_policy(self.config, self.admin, found)
        self.tell(f"Event time: {policy.name}, because {policy.reason}.")
        reads = plan(self.config, found, policy.name)
        snapshot, has_new_read = choose(self.config, self.folder, reads, found, self.tell, given)
        if has_new_read and policy.name == CREATE_TIME and settings.heartbeat:
            start_time(self.config, found, self.tell)
        record = JobRecord(uuid.uuid4().hex, reads.labels, frozen_settings(settings))
        record.save(self.folder.jobs)
        (port,) = free_ports(1)
        write_configuration(
            self.folder.configuration,
            embedded_configuration(
                settings,
                rest_port=port,
                job_id=record.job,
                folder=self.folder,
                restore=snapshot.path if snapshot else None,
            ),
        )
        self.tell(f"Reading {describe(found)} as group {settings.application_id}.")
        self.tell(f"Resuming from {snapshot.path}" if snapshot else f"No state in {self.folder.root}: starting anew.")
        options = beam_options(
            settings, job_endpoint=server.endpoint, worker=str(worker_script(self.folder)), extra=self.beam_flags
        )
        try:
            submission = server.submit(self.build, reads, options)
        except JavaProcessError as error:
            self.tell(str(error))
            return Ending.FAILED, found
        rest = FlinkRest(f"localhost:{port}")
        job = RunningJob(record.job, rest, submission, server, self.tell)
        if job.wait_until_processing(self.stop):
            seconds = time.monotonic() - started
            self.tell(f"Running after {seconds:.1f} s. Flink: http://{rest.address}, log: {server.process.log}")
            with OffsetLog(self.config, found, record, self.folder) as log:
                return self._watch(job, log, found)
        if self.stop.is_set():
            job.cancel()
            self.tell("Stopped before it processed anything; the state is as it was.")
            return Ending.STOPPED, found
        self.tell(f"The job failed: {job.failure()}")
        return Ending.FAILED, found

    def _watch(self, job: RunningJob, log: OffsetLog, found: Partitions) -> tuple[Ending, Partitions]:
        next_look = time.monotonic() + self.config.settings.discovery_interval_ms / 1000
        pruned = False
        while not self.stop.wait(POLL_S):
            if job.is_over:
                self.tell(f"The job failed: {job.failure()}")
                return Ending.FAILED, found
            job.look()
            if log.note(job.rest) and not pruned:
                prune(self.folder, job.id)
                pruned = True
            if time.monotonic() >= next_look:
                next_look = time.monotonic() + self.config.settings.discovery_interval_ms / 1000
                changed = self._changed(found)
                if changed and self._save(job, log):
                    return Ending.CHANGED, changed
        if not self._save(job, log):
            job.cancel()
            self.tell("Stopped; the next run resumes from the last checkpoint.")
        return Ending.STOPPED, found

    def _changed(self, found: Partitions) -> Partitions | None:
        """What there is to read if that is not `found`, once it has settled (topics tend to come in numbers)."""
        try:
            now = self.look()
            while now != found:
                before = now
                if self.stop.wait(SETTLE_S):
                    return None
                now = self.look()
                if now == before:
                    self.tell(f"There is more to read: {describe(now)} (was {describe(found)}).")
                    return now
        except UserError as error:
            self.tell(error.message)  # the job has its own patience with brokers
        return None

    def _save(self, job: RunningJob, log: OffsetLog) -> Path | None:
        log.note(job.rest)
        savepoint = job.end_with_savepoint(self.folder.new_savepoint())
        if savepoint:
            self.tell(f"Savepoint: {savepoint}")
        return savepoint


def describe(found: Partitions) -> str:
    """Topics and their numbers of partitions, for a person."""
    shown = ", ".join(f"{topic} ({count} partition{'s' * (count != 1)})" for topic, count in list(found.items())[:3])
    return f"{shown} and {len(found) - 3} more topics" if len(found) > 3 else shown  # noqa: PLR2004 - as above


def worker_script(folder: StateFolder) -> Path:
    """The program that Flink starts as a Python worker: this very Python, with our packages, whatever the PATH says."""
    script = folder.root / "worker"
    home = Path(__file__).resolve().parent.parent
    script.write_text(
        "#!/bin/sh\n"
        f"PYTHONPATH={shlex.quote(str(home))}${{PYTHONPATH:+:$PYTHONPATH}} exec {shlex.quote(sys.executable)} "
        f'-m runners.worker "$@" 2>>{shlex.quote(str(folder.log("workers")))}\n'
    )
    script.chmod(0o700)
    return script
