"""One process of the cluster, started by Flink's own script in the foreground: the script becomes the JVM, same pid."""

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from runners.java.java_process import DIE_WITH_PARENT

STOP_S = 20
TAIL_LINES = 30


class FlinkProcess:
    """`bin/<script> <arguments>` in a Flink home, running from the moment of construction; it dies with us.

    `more` is added to the environment.
    """

    def __init__(
        self,
        home: Path,
        script: str,
        arguments: Sequence[str],
        java: Path,
        log: Path,
        more: Mapping[str, str] | None = None,
    ) -> None:
        environ = {**os.environ, "FLINK_HOME": str(home), "FLINK_CONF_DIR": str(home / "conf")}
        environ = {name: value for name, value in environ.items() if not name.startswith("KAFKATRACE_")}
        environ |= more or {}
        launcher = [sys.executable, "-S", "-E", "-c", DIE_WITH_PARENT, str(os.getpid())]
        self.log = log
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("ab") as out:
            self._process = subprocess.Popen(
                [*launcher, "/bin/bash", str(home / "bin" / script), *arguments],
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
                env={**environ, "JAVA_HOME": str(java.resolve().parent.parent)},
                process_group=0,
            )

    @property
    def pid(self) -> int:
        """Its process id: first of the script, then of the JVM."""
        return self._process.pid

    @property
    def is_alive(self) -> bool:
        """Whether it runs."""
        return self._process.poll() is None

    def kill(self) -> None:
        """SIGKILL, as a crash would; returns when it is gone."""
        self._process.kill()
        self._process.wait()

    def stop(self) -> None:
        """SIGTERM, then SIGKILL. Harmless when it is over."""
        self._process.terminate()
        try:
            self._process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            self.kill()

    def tail(self) -> str:
        """The last lines of its log."""
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-TAIL_LINES:])
