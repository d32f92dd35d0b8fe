"""A Flink cluster elsewhere: submit the job and leave it running there; stop it later, with a savepoint."""

import time
from collections.abc import Callable, Sequence

import click

from pipeline.config.load import Config
from pipeline.config.settings import Settings
from pipeline.errors import UserError
from runners.flink import resume
from runners.flink.job_server import JobServer
from runners.flink.options import cluster_configuration
from runners.flink.rest import Access, FlinkError, FlinkRest, SavepointTimeoutError
from runners.flink.start_progress import StartProgress, words
from runners.kafka.read_plan import admin_client, describe, partitions
from runners.kafka.start_anew import require_a_first_start
from runners.kafka_graph import Build
from runners.state_folder import StateFolder

POLL_S = 0.5
ALIVE = {"INITIALIZING", "CREATED", "RUNNING", "FAILING", "RESTARTING"}
FAILOVER = "jobmanager.execution.failover-strategy"


def submit(
    config: Config,
    build: Build,
    tell: Callable[[str], None],
    beam_flags: Sequence[str] = (),
    from_savepoint: str = "",
    *,
    may_start_anew: bool = False,
) -> int:
    """Submits the job, prints its id and returns 0 once all its tasks run there; 1 when it failed before that.

    It resumes from `from_savepoint` (a URI), else from what the last job left; where state was lost it starts without
    any only if it may. Raises `UserError` when the cluster does not answer, runs this `application.id` already, or
    would keep checkpoints in memory.
    """
    settings = config.settings
    folder = StateFolder.of(settings)
    rest = FlinkRest.of(settings)
    if running := running_job(rest, settings.application_id):
        raise UserError(
            f"{settings.application_id} already runs on {rest.address}, as job {running}.",
            "Stop it first: tracing-aggregator stop",
        )
    _look_at(rest, settings, tell)
    with folder.hold():
        found = partitions(admin_client(config), settings)
        tell(f"Reading {describe(found)} as group {settings.application_id}.")
        restore = resume.choose(folder, rest, from_savepoint, settings.flink_checkpoints_dir, tell)
        if not restore and not may_start_anew:
            require_a_first_start(config, found, settings.flink_checkpoints_dir or "what this machine and Flink know")
        resume.require_layout(config, folder, restore)
        access = Access.of(settings).configuration(folder.configuration)
        tell(f"Resuming from {restore}" if restore else "No savepoint known: starting anew.")
        with JobServer(settings, folder) as server:
            submission = server.submit(
                build,
                lambda job: access | cluster_configuration(settings, job_id=job),
                settings.flink_worker_command,
                restore=restore,
                beam_flags=beam_flags,
            )
            within_s, progress = settings.flink_start_timeout_ms / 1000, StartProgress(tell)
            deadline = time.monotonic() + within_s
            while not submission.ended.wait(POLL_S):
                if rest.is_processing(submission.job):
                    tell(f"Running on {rest.url}. Stop it: tracing-aggregator stop")
                    click.echo(submission.job)
                    return 0
                if time.monotonic() > deadline:
                    raise UserError(
                        f"Not all tasks run after {within_s:g} s: {words(rest.tasks(submission.job))}. "
                        f"Job {submission.job} stays on the cluster, and goes on starting.",
                        f"Look at {rest.url}/#/job/running/{submission.job}; or wait longer: flink.start.timeout.ms.",
                    )
                progress.look(lambda: rest.tasks(submission.job))
            cause = submission.error or rest.last_failure(submission.job)[1] or "Flink gave no reason"
            tell(f"The job does not run: {cause}.")
            return 1


def stop(config: Config) -> str:
    """Ends the job with a savepoint and returns its URI, which the next `submit` resumes from.

    Raises `UserError` when the job does not run, or its savepoint fails, and it goes on running; or when that is late.
    """
    settings = config.settings
    folder = StateFolder.of(settings)
    rest = FlinkRest.of(settings)
    job = running_job(rest, settings.application_id)
    if job is None:
        raise UserError(f"No job {settings.application_id} runs on {rest.address}.", "Start it: tracing-aggregator run")
    try:
        within_s = settings.flink_savepoint_timeout_ms / 1000
        savepoint = rest.savepoint_and_cancel(job, settings.flink_savepoints_dir or None, within_s)
    except SavepointTimeoutError as error:
        raise UserError(
            f"{error} Flink goes on with it, and cancels the job once it is complete.",
            f"Look at {rest.url}{error.path}. The next `run` resumes from it as long as Flink knows the job, "
            "or name it with --from-savepoint. To wait longer: flink.savepoint.timeout.ms.",
        ) from error
    except FlinkError as error:
        raise UserError(
            str(error), "The job goes on. Try again, see Flink's log, or name another place: flink.savepoints.dir."
        ) from error
    folder.remember_savepoint(savepoint)
    return savepoint


def running_job(rest: FlinkRest, name: str) -> str | None:
    """The id of the job of this name that has not ended; `UserError` when the cluster does not answer."""
    try:
        return next((job for job, its_name, state in rest.jobs() if its_name == name and state in ALIVE), None)
    except FlinkError as error:
        raise UserError(str(error), "Is flink.master right, and is the cluster up?") from error


def _look_at(rest: FlinkRest, settings: Settings, tell: Callable[[str], None]) -> None:
    """What of the cluster would keep the job from working, or from coming back after a failure."""
    configuration = rest.configuration()
    if not (settings.flink_checkpoints_dir or configuration.get("state.checkpoints.dir")):
        raise UserError(
            f"The Flink at {rest.address} has no state.checkpoints.dir: checkpoints would lie in memory, and fail.",
            "Name a folder that all of the cluster reaches: -o flink.checkpoints.dir=s3://… or file:///…",
        )
    if configuration.get(FAILOVER) != "full":
        tell(f"Advice: set {FAILOVER}: full there. Else a Python worker that dies may not be replaced.")
    if (slots := rest.slots()) < settings.flink_parallelism:
        tell(f"It has {slots} slots now, the job waits for {settings.flink_parallelism} (flink.parallelism).")
