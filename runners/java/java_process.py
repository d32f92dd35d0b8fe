"""One JVM as a child process: started, waited for, stopped, and never left behind.

It dies with us whatever happens to us: the kernel kills it when its parent is gone (Linux; elsewhere only an orderly
end takes it along). It has its own process group, so Ctrl-C reaches us alone and we decide in which order things stop.
"""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Self

from pipeline.errors import UserError
from runners.java.class_archive import ClassArchive
from runners.java.jars import classpath

POLL_S = 0.05
RECORDING_S = 60
STOPPED = 128 + signal.SIGTERM  # what a JVM exits with after SIGTERM
TAIL_LINES = 20
TAIL_BYTES = 8192

# Asks the kernel for SIGKILL at our death (PR_SET_PDEATHSIG), then becomes the command: same pid.
# Not a preexec_fn, which would fork a process full of gRPC threads.
DIE_WITH_PARENT = """
import ctypes, os, signal, sys
if sys.platform == "linux":
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)
if os.getppid() != int(sys.argv[1]):
    sys.exit("the parent is gone")
os.execv(sys.argv[2], sys.argv[2:])
"""
# The kernel watches the thread that started the child, not the process: this one lives as long as the process.
_STARTER = ThreadPoolExecutor(1, thread_name_prefix="java-starter")


class JavaProcessError(UserError):
    """A JVM ended or was not ready in time: the end of its log, and where the whole log is."""


class JavaProcess:
    """`java [options] -cp jars main arguments`, running from the moment of construction.

    Its output is appended to `log`; with `stdout` only its error output is, and its data goes to that file.
    As a context manager it stops on leaving. Start it from any thread. `fast_start` keeps the classes it loads for the
    next start with the same jars and options (`runners.java.class_archive`); the first end then takes seconds longer.
    """

    def __init__(
        self,
        name: str,
        *,
        java: Path,
        jars: Iterable[Path],
        main: str,
        arguments: Sequence[str] = (),
        options: Sequence[str] = (),
        log: Path,
        stdout: Path | None = None,
        fast_start: bool = False,
    ) -> None:
        self.name = name
        self.log = log
        command = [*options, "-cp", classpath(jars), main]
        self._archive = ClassArchive(java, command) if fast_start else None
        self._was_ready = False
        log.parent.mkdir(parents=True, exist_ok=True)
        # What a JVM that crashes has to say belongs beside its log, not into the folder of whoever started us.
        crash = f"-XX:ErrorFile={log.parent / 'hs_err_pid%p.log'}"
        command = [str(java), crash, *(self._archive.options() if self._archive else ()), *command, *arguments]
        with log.open("ab") as err, (stdout or log).open("ab") as out:
            self._process = _STARTER.submit(_start, command, out.fileno(), err.fileno()).result()

    @property
    def pid(self) -> int:
        """The process id of the JVM itself."""
        return self._process.pid

    @property
    def returncode(self) -> int | None:
        """What it exited with (negative: the signal that ended it), None while it runs."""
        return self._process.poll()

    def wait_until(self, ready: Callable[[], bool], within_s: float = 60) -> None:
        """Returns once `ready()` is true. `JavaProcessError`, and no process left, if it ends first or time is up."""
        deadline = time.monotonic() + within_s
        with ExitStack() as on_failure:
            on_failure.callback(self.kill)
            while True:
                exit_code = self.returncode  # asked first: what it did just before its end counts
                if ready():
                    self._was_ready = True
                    on_failure.pop_all()
                    return
                if exit_code is not None:
                    raise JavaProcessError(f"{self.name} ended with exit code {exit_code}.", self.tail())
                if time.monotonic() > deadline:
                    raise JavaProcessError(f"{self.name} was not ready after {within_s:g} s.", self.tail())
                time.sleep(POLL_S)

    def wait(self, within_s: float | None) -> int:
        """Its exit code, once it ends by itself; `JavaProcessError` if it still runs after `within_s` (None: never)."""
        try:
            return self._ended(self._process.wait(within_s))
        except subprocess.TimeoutExpired:
            raise JavaProcessError(f"{self.name} still runs after {within_s:g} s.", self.tail()) from None

    def stop(self, within_s: float = 15) -> int:
        """SIGTERM, then SIGKILL if it still runs `within_s` later. Returns the exit code; harmless when it is over."""
        self._process.terminate()
        try:
            return self._ended(self._process.wait(within_s + self._recording_s))
        except subprocess.TimeoutExpired:
            return self.kill()

    def kill(self) -> int:
        """SIGKILL, at once. Returns the exit code. Harmless when it is over."""
        self._process.kill()
        return self._ended(self._process.wait())

    def tail(self) -> str:
        """The last lines of its log and the log's place, for an error message."""
        lines = self.log.read_bytes()[-TAIL_BYTES:].decode(errors="replace").splitlines()[-TAIL_LINES:]
        return "\n".join([*(f"  {line}" for line in lines), f"The whole log: {self.log}"])

    @property
    def _recording_s(self) -> int:
        return RECORDING_S if self._archive and self._archive.is_recording else 0

    def _ended(self, exit_code: int) -> int:
        if self._archive:
            in_order = exit_code == 0 or (self._was_ready and exit_code == STOPPED)
            self._archive.close(keep=in_order)
        return exit_code

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


def _start(command: Sequence[str], out: int, err: int) -> subprocess.Popen[bytes]:
    launcher = [sys.executable, "-S", "-E", "-c", DIE_WITH_PARENT, str(os.getpid()), *command]
    return subprocess.Popen(launcher, stdin=subprocess.DEVNULL, stdout=out, stderr=err, process_group=0)
