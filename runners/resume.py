"""What a new job resumes from, and what that means for its reads."""

from collections.abc import Callable

from pipeline.config import Config
from runners.job_records import JobRecord
from runners.positions import group_consumer, low_offsets, rewind
from runners.reads import Partitions, Reads
from runners.savepoints import Snapshot, newest_valid, snapshots
from runners.state_folder import StateFolder


def choose(
    config: Config, folder: StateFolder, reads: Reads, found: Partitions, tell: Callable[[str], None]
) -> Snapshot | None:
    """The newest snapshot that is whole (None: there is none), having made sure that no read starts beyond it.

    Raises `UserError` when settings that state is laid out by have changed since.
    """
    snapshot = newest_valid(folder, tell)
    if snapshot is None:
        return None
    record = JobRecord.of(folder.jobs, snapshot.job)
    if record:
        record.require_layout_of(config.settings, snapshot.path)
    resumed = record is not None and set(reads.labels) <= set(record.reads)
    if not resumed and snapshot != snapshots(folder)[0]:
        # The group's offsets may belong to the newer snapshot that was skipped: what lies between would be lost.
        offsets = record.offsets_of(snapshot.path.name) if record else {}
        with group_consumer(config) as consumer:
            rewind(consumer, offsets or low_offsets(consumer, found))
        tell("Reading again from before that snapshot; what is read twice counts once.")
    return snapshot
