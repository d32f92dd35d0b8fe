"""What a new job on the embedded Flink may resume from."""

from pathlib import Path

from pipeline.config import Config
from runners.job_records import JobRecord
from runners.savepoints import named, snapshots
from runners.state_folder import StateFolder


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
