"""The job as a jar, for a Flink cluster in application mode: one job, started with it, and nothing to submit to."""

from collections.abc import Sequence
from pathlib import Path

from pipeline.config.load import Config
from pipeline.errors import UserError
from runners.flink.job_server import JobServer
from runners.flink.options import cluster_configuration
from runners.kafka_graph import Build
from runners.state_folder import StateFolder

WRITE_S = 180
AUTO = "[auto]"
MAIN = "org.apache.beam.runners.flink.FlinkPipelineRunner"


def write(config: Config, build: Build, target: Path, beam_flags: Sequence[str] = ()) -> list[str]:
    """Writes the jar and returns the arguments that start it, for Flink's `standalone-job.sh`.

    The settings are fixed in it. Raises `UserError` when it cannot be written.
    """
    settings, folder = config.settings, StateFolder.of(config.settings)
    target = target.absolute()
    with folder.hold(), JobServer(settings, folder, master=AUTO) as server:
        to_file = [f"--output_executable_path={target}", *beam_flags]
        submission = server.submit(
            build,
            lambda _: {},
            settings.flink_worker_command,
            beam_flags=to_file,
            # Flink's own, so that a job is rescaled without another jar, by the operator too.
            has_parallelism=False,
        )
        submission.ended.wait(WRITE_S)
    if submission.error or not target.exists():
        raise UserError(
            f"{target} was not written: {submission.error or f'not within {WRITE_S} s'}.",
            f"See the log of the job server: {server.process.log}",
        )
    parallelism = {"parallelism.default": str(settings.flink_parallelism)}
    own = cluster_configuration(settings, job_id=submission.job) | parallelism
    return [
        *("--job-classname", MAIN, "--job-id", submission.job),
        *(f"-D{name}={value}" for name, value in own.items() if not name.startswith("$")),
    ]
