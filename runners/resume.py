"""What a new job resumes from, and what that means for its reads."""

from collections.abc import Callable
from typing import NamedTuple

from pipeline.config import Config
from runners.job_records import JobRecord
from runners.positions import group_consumer, low_offsets, rewind
from runners.reads import Partitions, Reads
from runners.savepoints import Snapshot, named, newest_valid, snapshots
from runners.state_folder import StateFolder


class Resume(NamedTuple):
    """Where a job begins: from a snapshot (None: without state), and whether any of its reads begins anew."""

    snapshot: Snapshot | None
    has_new_read: bool


def choose(
    config: Config, folder: StateFolder, reads: Reads, found: Partitions, tell: Callable[[str], None], given: str = ""
) -> Resume:
    """The snapshot `given` (a path), else the newest that is whole, having made sure that no read starts beyond it.

    Raises `UserError` when settings that state is laid out by have changed since, or `given` is no snapshot.
    """
    snapshot = named(given) if given else newest_valid(folder, tell)
    if snapshot is None:
        return Resume(None, has_new_read=True)
    record = JobRecord.of(folder.jobs, snapshot.job)
    if record:
        record.require_layout_of(config.settings, snapshot.path)
    has_new_read = record is None or not set(reads.labels) <= set(record.reads)
    if has_new_read and snapshot.path not in [newest.path for newest in snapshots(folder)[:1]]:
        begin_before(config, record, snapshot.path.name, found, tell)
    return Resume(snapshot, has_new_read)


def begin_before(
    config: Config, record: JobRecord | None, snapshot: str, found: Partitions, tell: Callable[[str], None]
) -> None:
    """Lets a new read begin before a snapshot (`chk-7`, `savepoint-…`) that is not the last word of the group.

    The group's offsets may belong to a newer snapshot: what lies between would be lost.
    """
    offsets = record.offsets_of(snapshot) if record else {}
    with group_consumer(config) as consumer:
        rewind(consumer, offsets or low_offsets(consumer, found))
    tell("Reading again from before that snapshot; what is read twice counts once.")
