"""What a new job resumes from: on the embedded Flink a snapshot that lies here, on a cluster one that lies there.

Of a cluster only records of jobs are here.
"""

from collections.abc import Callable
from pathlib import Path

from pipeline.config.load import Config
from runners.flink.job_records import JobRecord
from runners.flink.rest import FlinkRest
from runners.flink.savepoints import METADATA, job_of, named, snapshots
from runners.object_store import is_in_s3
from runners.object_store import newest_checkpoint as newest_in_s3
from runners.state_folder import StateFolder

FILE = "file:"


def candidates(config: Config, folder: StateFolder, given: str = "") -> list[Path]:
    """The snapshot `given` (a path), else all that there are, newest first; empty: the job starts without state.

    Raises `UserError` when settings that the state is laid out by have changed since, or `given` is no snapshot.
    """
    found = [named(given)] if given else snapshots(folder)
    for snapshot in found:
        record = JobRecord.of(folder.jobs, snapshot.job)
        if record:
            record.require_layout_of(config.settings, snapshot.path)
    return [snapshot.path for snapshot in found]


def choose(folder: StateFolder, rest: FlinkRest, given: str, checkpoints: str, tell: Callable[[str], None]) -> str:
    """The URI of a snapshot, or nothing: start without state.

    `given` if there is one; else what the newest job left: the savepoint of `stop`, or its newest checkpoint.
    A checkpoint is found if Flink still knows the job, or if `checkpoints` (the setting) is a folder that is seen here,
    or an object store. Raises `UserError` when that does not answer.
    """
    if given:
        return given
    savepoint = folder.last_savepoint()
    maker = job_of(savepoint)
    for record in JobRecord.all(folder.jobs):
        if maker and record.job.startswith(maker):
            return savepoint
        if checkpoint := _newest_checkpoint(rest, record.job, checkpoints):
            tell(f"Job {record.job} ended without a savepoint.")
            return checkpoint
        if savepoint:
            tell(
                f"Warning: job {record.job} ran after that savepoint and left no checkpoint that is found from here. "
                "If there is one, name it with --from-savepoint."
            )
    return savepoint


def require_layout(config: Config, folder: StateFolder, restore: str) -> None:
    """Raises `UserError` when a snapshot does not fit the settings or this release."""
    record = JobRecord.of(folder.jobs, job_of(restore)) if restore else None
    if record:
        record.require_layout_of(config.settings, restore)


def _newest_checkpoint(rest: FlinkRest, job: str, checkpoints: str) -> str:
    place = rest.newest_checkpoint_path(job)
    if place.startswith(FILE) and not (_local(place) / METADATA).exists():
        place = ""  # it knows of one that was removed with the job
    if not place and is_in_s3(checkpoints):
        return newest_in_s3(checkpoints, job)
    if place or not checkpoints.startswith(FILE):
        return place
    found = _local(checkpoints).glob(f"{job}/chk-*/{METADATA}")
    newest = max(found, key=lambda file: int(file.parent.name.removeprefix("chk-")), default=None)
    return f"{FILE}//{newest.parent}" if newest else ""


def _local(uri: str) -> Path:
    return Path("/" + uri.removeprefix(FILE).lstrip("/"))
