"""A Flink cluster elsewhere: submit the job and leave it running there; stop it later, with a savepoint."""

import time
import uuid
from collections.abc import Callable, Sequence

from pipeline.config import Config
from pipeline.errors import UserError
from runners.event_time import CREATE_TIME, choose_policy, start_time
from runners.flink_options import beam_options, write_configuration
from runners.flink_rest import FlinkError, FlinkRest
from runners.job_records import JobRecord, frozen_settings
from runners.job_server import Build, JobServer
from runners.reads import admin_client, partitions, plan
from runners.state_folder import StateFolder

START_S = 180
SAVEPOINT_S = 300
POLL_S = 0.5
ALIVE = {"INITIALIZING", "CREATED", "RUNNING", "FAILING", "RESTARTING"}
WORKER = "tracing-aggregator-worker"
"""The command that a TaskManager starts for each Python worker: our package must be installed there."""


def submit(config: Config, build: Build, tell: Callable[[str], None], beam_flags: Sequence[str] = ()) -> int:
    """Submits the job, tells its id and returns 0 once all its tasks run there; 1 when it failed before that.

    It resumes from the savepoint that `stop` made last. Raises `UserError` when the cluster does not answer, or runs
    this `application.id` already.
    """
    settings = config.settings
    folder = StateFolder.of(settings)
    rest = FlinkRest(settings.flink_master)
    if running := running_job(rest, settings.application_id):
        raise UserError(
            f"{settings.application_id} already runs on {rest.address}, as job {running}.",
            "Stop it first: tracing-aggregator stop",
        )
    with folder.hold():
        admin = admin_client(config)
        found = partitions(admin, settings)
        policy = choose_policy(config, admin, found)
        tell(f"Event time: {policy.name}, because {policy.reason}.")
        reads = plan(config, found, policy.name)
        if policy.name == CREATE_TIME and settings.heartbeat:
            start_time(config, found, tell)
        savepoint = folder.last_savepoint()
        if saved := JobRecord.of_savepoint(folder.jobs, savepoint):
            saved.require_layout_of(settings, savepoint)
        record = JobRecord(uuid.uuid4().hex, reads.labels, frozen_settings(settings))
        record.save(folder.jobs)
        write_configuration(folder.configuration, {"$internal.pipeline.job-id": record.job})
        tell(f"Resuming from {savepoint}" if savepoint else "No savepoint known: starting anew.")
        with JobServer(settings, folder) as server:
            options = beam_options(
                settings, job_endpoint=server.endpoint, worker=WORKER, restore=savepoint, extra=beam_flags
            )
            submission = server.submit(build, reads, options)
            deadline = time.monotonic() + START_S
            while not submission.ended.wait(POLL_S) and time.monotonic() < deadline:
                if rest.is_processing(record.job):
                    tell(f"Job {record.job} runs on http://{rest.address}")
                    return 0
            tell(f"The job does not run: {submission.error or rest.root_cause(record.job) or 'Flink gave no reason'}.")
            return 1


def stop(config: Config) -> str:
    """Ends the job with a savepoint and returns its URI, which the next `submit` resumes from.

    Raises `UserError` when the job does not run, or its savepoint fails; then it goes on running.
    """
    settings = config.settings
    folder = StateFolder.of(settings)
    rest = FlinkRest(settings.flink_master)
    job = running_job(rest, settings.application_id)
    if job is None:
        raise UserError(f"No job {settings.application_id} runs on {rest.address}.", "Start it: tracing-aggregator run")
    try:
        savepoint = rest.savepoint_and_cancel(job, None, SAVEPOINT_S)
    except FlinkError as error:
        raise UserError(str(error), "The job goes on. Try again, or see Flink's log.") from error
    folder.remember_savepoint(savepoint)
    return savepoint


def running_job(rest: FlinkRest, name: str) -> str | None:
    """The id of the job of this name that has not ended; `UserError` when the cluster does not answer."""
    try:
        return next((job for job, its_name, state in rest.jobs() if its_name == name and state in ALIVE), None)
    except FlinkError as error:
        raise UserError(str(error), "Is flink.master right, and is the cluster up?") from error
