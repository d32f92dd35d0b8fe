"""One job on the embedded Flink, seen from outside: does it process, why did it fail, and its end."""

import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from threading import Event

from pipeline.errors import UserError
from runners.flink.job_server import JobServer, Submission
from runners.flink.options import flink_uri
from runners.flink.rest import FlinkError, FlinkRest, SavepointTimeoutError
from runners.flink.savepoints import METADATA
from runners.flink.start_progress import StartProgress, words
from runners.java.java_process import JavaProcessError

POLL_S = 0.5
END_S = 30
JVM_END_S = 2
OUT_OF_MEMORY_EXIT = 3  # of -XX:+ExitOnOutOfMemoryError
LATER = " The job is ended without it. Give it longer: flink.savepoint.timeout.ms."
OUT_OF_MEMORY = ": out of memory. Raise flink.memory.mb, or keep state on disk with flink.state.backend=rocksdb"


class RunningJob:
    """A submitted job. `tell` hears of restarts and failures."""

    def __init__(
        self, job: str, rest: FlinkRest, submission: Submission, server: JobServer, tell: Callable[[str], None]
    ) -> None:
        self.id = job
        self.rest = rest
        self._submission = submission
        self._server = server
        self._tell = tell
        self._failed_at = 0
        self._cause = ""

    @property
    def is_over(self) -> bool:
        """Whether the job or the JVM below it has ended."""
        return self._submission.ended.is_set() or self._server.process.returncode is not None

    def wait_until_processing(self, stop: Event, within_s: float) -> bool:
        """True once all its tasks run; False when it is over before that, or `stop` is set. Progress is told.

        Raises `UserError`, with the job cancelled, when `within_s` have passed.
        """
        deadline, progress = time.monotonic() + within_s, StartProgress(self._tell)
        while not self.is_over:
            if self.rest.is_processing(self.id):
                return True
            if time.monotonic() > deadline:
                doing = words(self.rest.tasks(self.id))
                self.cancel()
                raise UserError(
                    f"Not all tasks run after {within_s:g} s: {doing}. The job was ended, and its state is as it was.",
                    "Give it longer: -o flink.start.timeout.ms=7200000; or see the log of Flink: "
                    f"{self._server.process.log}",
                )
            self.look()
            progress.look(lambda: self.rest.tasks(self.id))
            if stop.wait(POLL_S):
                return False
        return False

    def look(self) -> None:
        """Tells of a failure since the last look. Flink's history has it even when the restart was over in between."""
        failed_at, cause = self.rest.last_failure(self.id)
        if failed_at != self._failed_at and cause and self.rest.state(self.id) != "FAILED":
            self._failed_at, self._cause = failed_at, cause
            self._tell(f"Flink restarts the job from its last checkpoint: {cause}")

    def failure(self) -> str:
        """Why it is over, in one or several lines."""
        # A broken connection is noticed before the end of the JVM that breaks it.
        with suppress(JavaProcessError):
            exit_code = self._server.process.wait(JVM_END_S)
            why = OUT_OF_MEMORY if exit_code == OUT_OF_MEMORY_EXIT else ""
            return f"Flink's JVM ended with exit code {exit_code}{why}.\n{self._server.process.tail()}"
        return self._submission.error or self._cause or "Flink gave no reason."

    def end_with_savepoint(self, target: Path, within_s: float) -> Path | None:
        """Takes a savepoint below the folder `target`, then ends the job. None when it ended without one."""
        try:
            self.rest.savepoint_and_cancel(self.id, flink_uri(target), within_s)
        except FlinkError as error:
            # Flink goes on with one that is late, until the job is over: what counts is then on the disk. The last
            # answer gets lost when Flink is gone first.
            if not any(target.glob(f"*/{METADATA}")):
                self._tell(f"{error}{LATER if isinstance(error, SavepointTimeoutError) else ''}")
                self.cancel()
        self._submission.ended.wait(END_S)
        return next((metadata.parent for metadata in target.glob(f"*/{METADATA}")), None)

    def cancel(self) -> None:
        """Ends it without a savepoint; its retained checkpoints stay."""
        try:
            self.rest.cancel(self.id)
        except FlinkError:  # it is gone already, or is not known there yet
            self._submission.cancel()
            return
        self._submission.ended.wait(END_S)
