"""One run of the pipeline in a process of its own, as a user starts it, watched and in the end stopped."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

from bench.processes import ProcessTree
from runners.java.java_process import DIE_WITH_PARENT

ROOT = Path(__file__).resolve().parent.parent
DESIGN = ("tracing_aggregator.cli.main", "run")
NAIVE = ("bench.run_compared", "naive")
TRANSPORT = ("bench.run_compared", "transport")
POLL_S = 0.1
START_S = 180
STOP_S = 90
TAIL_LINES = 20


class AggregatorError(Exception):
    """The run ended, or did not come so far in time. The message holds the end of what it said."""


class Aggregator:
    """`program` (a module and its arguments) of the code in `root`, started with these settings as the block begins.

    `tree` measures it; `started` is the monotonic time of its start. At the end of the block it gets SIGTERM, and what
    is left of its processes 90 s later SIGKILL; when the bench itself is killed, SIGKILL at once.
    """

    def __init__(self, program: Sequence[str], settings: Mapping[str, str], folder: Path, root: Path = ROOT) -> None:
        self._root = root
        self._program = program
        self._folder = folder
        self._settings = dict(settings)
        self._log = folder / "run.log"

    def __enter__(self) -> Self:
        file = self._folder / "run.properties"
        file.write_text("".join(f"{name}={value}\n" for name, value in self._settings.items()))
        environ = {name: value for name, value in os.environ.items() if not name.startswith("KAFKATRACE_")}
        environ["PYTHONPATH"] = os.pathsep.join(filter(None, [str(self._root), environ.get("PYTHONPATH")]))
        module, *arguments = self._program
        # Its own processes end with it.
        launcher = [sys.executable, "-S", "-E", "-c", DIE_WITH_PARENT, str(os.getpid())]
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                [*launcher, sys.executable, "-m", module, *arguments, str(file)],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=environ,
                process_group=0,
                cwd=self._root,  # `python -m` looks there first
            )
        self.started = time.monotonic()
        self.tree = ProcessTree(self._process.pid).__enter__()
        return self

    @property
    def exit_code(self) -> int | None:
        """None while it runs."""
        return self._process.poll()

    @property
    def state_folder(self) -> Path:
        """Where it keeps its state and its logs."""
        return Path(self._settings["state.dir"]) / self._settings["application.id"]

    def wait_until(self, done: Callable[[], bool], within_s: float) -> bool:
        """True as soon as `done`, False when time is up; raises AggregatorError when it ends before."""
        deadline = time.monotonic() + within_s
        while not done():
            if self.exit_code is not None and not done():
                raise AggregatorError(f"The run ended with exit code {self.exit_code}:\n{self.tail()}")
            if time.monotonic() > deadline:
                return False
            time.sleep(POLL_S)
        return True

    def wait_until_running(self) -> None:
        """Returns when it says that it runs; raises AggregatorError when it does not say so in 3 minutes."""
        if not self.wait_until(lambda: b"\nRunning " in b"\n" + self._log.read_bytes(), START_S):
            raise AggregatorError(f"The run did not begin to process within {START_S} s:\n{self.tail()}")

    def tail(self) -> str:
        """The last lines that it wrote."""
        return "\n".join(self._log.read_text(errors="replace").splitlines()[-TAIL_LINES:])

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        finally:
            left = self.tree.alive()
            self.tree.__exit__(kind, error, trace)
            for pid in left:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
