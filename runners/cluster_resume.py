"""What a job on a cluster resumes from. The state lies where the cluster keeps it, here are only records of jobs."""

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from pipeline.config import Config
from runners.flink_rest import FlinkRest
from runners.job_records import JobRecord
from runners.reads import Partitions, Reads
from runners.resume import begin_before
from runners.savepoints import METADATA, job_of
from runners.state_folder import StateFolder

FILE = "file:"


class Restore(NamedTuple):
    """The URI of a snapshot (empty: start without state), and whether it is where the last job ended."""

    place: str
    is_last_word: bool


def choose(folder: StateFolder, rest: FlinkRest, given: str, checkpoints: str, tell: Callable[[str], None]) -> Restore:
    """`given` if there is one; else what the newest job left: the savepoint of `stop`, or its newest checkpoint.

    A checkpoint is found if Flink still knows the job, or if `checkpoints` (the setting) is a folder that is seen here.
    """
    if given:
        return Restore(given, is_last_word=False)
    savepoint = folder.last_savepoint()
    maker = job_of(savepoint)
    for record in JobRecord.all(folder.jobs):
        if maker and record.job.startswith(maker):
            return Restore(savepoint, is_last_word=True)
        if checkpoint := _newest_checkpoint(rest, record.job, checkpoints):
            tell(f"Job {record.job} ended without a savepoint.")
            return Restore(checkpoint, is_last_word=False)
        if savepoint:
            tell(
                f"Warning: job {record.job} ran after that savepoint and left no checkpoint that is found from here. "
                "If there is one, name it with --from-savepoint."
            )
    return Restore(savepoint, is_last_word=False)


def prepare(
    config: Config, folder: StateFolder, restore: Restore, reads: Reads, found: Partitions, tell: Callable[[str], None]
) -> None:
    """Makes sure that no read starts beyond the snapshot; `UserError` when it does not fit settings or release."""
    if not restore.place:
        return
    record = JobRecord.of(folder.jobs, job_of(restore.place))
    if record:
        record.require_layout_of(config.settings, restore.place)
    has_new_read = record is None or not set(reads.labels) <= set(record.reads)
    if has_new_read and not restore.is_last_word:
        begin_before(config, record, restore.place.rstrip("/").rpartition("/")[2], found, tell)


def _newest_checkpoint(rest: FlinkRest, job: str, checkpoints: str) -> str:
    place = rest.newest_checkpoint_path(job)
    if place.startswith(FILE) and not (_local(place) / METADATA).exists():
        place = ""  # it knows of one that was removed with the job
    if place or not checkpoints.startswith(FILE):
        return place
    found = _local(checkpoints).glob(f"{job}/chk-*/{METADATA}")
    newest = max(found, key=lambda file: int(file.parent.name.removeprefix("chk-")), default=None)
    return f"{FILE}//{newest.parent}" if newest else ""


def _local(uri: str) -> Path:
    return Path("/" + uri.removeprefix(FILE).lstrip("/"))
