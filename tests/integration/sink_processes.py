"""For tests: a sink in a process of its own."""

import signal
import subprocess
from pathlib import Path
from typing import Self

from tests.integration.aggregations import command
from tests.integration.flink_processes import ROOT, wait_until

WITHIN_S = 120
#: The group misses one that was killed after this.
SOON = {"session.timeout.ms": "6000", "heartbeat.interval.ms": "1000"}


class SinkProcess:
    """`sink NAME` with these settings, inside the block; `said()` is what it told so far."""

    def __init__(self, name: str, given: dict[str, str], log: Path) -> None:
        self._command = command("sink", name, given=given | SOON)
        self._log = log

    def __enter__(self) -> Self:
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(self._command, cwd=ROOT, stderr=log)
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()

    def kill(self) -> None:
        """SIGKILL."""
        self._process.kill()
        self._process.wait()

    def said(self) -> str:
        return self._log.read_text()

    def wait_until(self, true) -> None:
        """Returns once `true()`; the sink must still run then."""
        wait_until(lambda: self._process.poll() is not None or true(), WITHIN_S, self.said)
        assert self._process.poll() is None, self.said()

    def end(self) -> str:
        """Ctrl-C; it must end in order. Returns what it told."""
        self._process.send_signal(signal.SIGINT)
        assert self._process.wait(60) == 0, self.said()
        return self.said()
