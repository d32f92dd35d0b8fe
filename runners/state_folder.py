"""What one aggregator keeps between runs: `state.dir/application.id`, used by one run at a time.

checkpoints/<job>/chk-N   savepoints/<time>/…   jobs/<job>.json   flink/config.yaml   logs/*.log   tmp   worker   lock
"""

import fcntl
import json
import os
import stat
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from pipeline.config.settings import Settings
from pipeline.errors import UserError


@dataclass(frozen=True)
class StateFolder:
    """The folder and the names in it. Nothing is created before `hold`."""

    root: Path

    @classmethod
    def of(cls, settings: Settings) -> "StateFolder":
        """The folder of this aggregator."""
        return cls(Path(settings.state_dir).expanduser().absolute() / settings.application_id)

    @property
    def checkpoints(self) -> Path:
        """Flink's retained checkpoints, one folder a job."""
        return self.root / "checkpoints"

    @property
    def savepoints(self) -> Path:
        """Savepoints, one folder each."""
        return self.root / "savepoints"

    @property
    def jobs(self) -> Path:
        """One JSON file a job: with what it was made."""
        return self.root / "jobs"

    @property
    def configuration(self) -> Path:
        """Flink's configuration folder."""
        return self.root / "flink"

    @property
    def scratch(self) -> Path:
        """Temporary files of the current run, removed at its end or at the next start."""
        return self.root / "tmp"

    def new_savepoint(self) -> Path:
        """A folder for one savepoint, which nobody has used."""
        return self.savepoints / f"{time.time_ns()}"

    def log(self, name: str) -> Path:
        """A log file, which `log_keeper` keeps small."""
        file = self.root / "logs" / f"{name}.log"
        file.parent.mkdir(parents=True, exist_ok=True)
        return file

    def last_savepoint(self) -> str:
        """The URI of the savepoint that ended the job on a cluster; empty without one."""
        try:
            return (self.root / "cluster-savepoint").read_text().strip()
        except FileNotFoundError:
            return ""

    def remember_savepoint(self, uri: str) -> None:
        """Keeps the URI for `last_savepoint`."""
        self._make()
        (self.root / "cluster-savepoint").write_text(uri)

    @contextmanager
    def hold(self) -> Iterator[None]:
        """Keeps others out for the length of the block; `UserError` when another run is in, or it is not ours."""
        self._make()
        with (self.root / "lock").open("a+") as lock:
            if not _acquire(lock):
                raise UserError(
                    f"{self.root} is in use by another run, process {_holder(lock) or 'unknown'}.",
                    "Stop that one: tracing-aggregator stop; or give this one another application.id or state.dir.",
                )
            lock.truncate(0)
            lock.write(json.dumps({"pid": os.getpid()}))
            lock.flush()
            yield

    def _make(self) -> None:
        """Makes the folder. What is there already must be ours: Flink runs the programs in it.

        Only we may look in: Flink's snapshots hold the properties of the Kafka clients, passwords and all.
        """
        self.root.mkdir(mode=0o700, parents=True, exist_ok=True)
        found, above = self.root.lstat(), self.root.parent.stat()
        why = ""
        if not stat.S_ISDIR(found.st_mode):
            why = "is a link to a place that somebody else may choose"
        elif found.st_uid not in {os.geteuid(), 0}:
            why = f"belongs to user {found.st_uid}, and we are {os.geteuid()}"
        elif found.st_mode & stat.S_IWOTH:
            why = "may be written by everybody"
        elif above.st_mode & stat.S_IWOTH and not above.st_mode & stat.S_ISVTX:
            why = f"can be replaced by everybody, who may write {self.root.parent}"
        if why:
            raise UserError(
                f"{self.root} {why}: programs in it would be run as ours.",
                "Choose a folder that only you can write: -o state.dir=DIR",
            )

    def holder(self) -> int | None:
        """The process that uses the folder now."""
        try:
            with (self.root / "lock").open("r+") as lock:
                return None if _acquire(lock) else _holder(lock)
        except FileNotFoundError:
            return None


def _acquire(lock: TextIO) -> bool:
    """The kernel releases it with the process, however that ends."""
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _holder(lock: TextIO) -> int | None:
    lock.seek(0)
    try:
        return int(json.loads(lock.read())["pid"])
    except (ValueError, KeyError):
        return None
