import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, Self
from urllib.request import urlopen

import pytest

from tests.integration.flink_processes import ROOT, descendants, is_alive, wait_until

pytestmark = pytest.mark.integration
KINDS = ("SEND", "ACK", "CONSUME", "COMMIT")
FIRST_S = 240
#: Of a message that is complete, of an incident, or the command for one.
LINE = r"✓ \d\d:\d\d:\d\d \w{8} \S+ → \w+ \d|✗ \d\d:\d\d:\d\d |  tracing-aggregator explain \S+ -b "


class Demo:
    """The command with its data below `folder`."""

    def __init__(self, folder: Path, *options: str) -> None:
        self.out, self.err = folder / "out", folder / "err"
        with self.out.open("wb") as out, self.err.open("wb") as err:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "tracing_aggregator.cli.main", "demo", "--data", str(folder / "data"), *options],
                cwd=ROOT,
                stdout=out,
                stderr=err,
                env={**os.environ, "KAFKATRACE_BOOTSTRAP_SERVERS": "elsewhere:9092"},
            )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()

    def wait_until(self, true: Callable[[str], bool]) -> None:
        wait_until(lambda: true(self.out.read_text()) or self.process.poll() is not None, FIRST_S, self.err.read_text)
        assert self.process.poll() is None, self.err.read_text()

    def below(self) -> dict[int, str]:
        return descendants(self.process.pid)


def shown_by(page: str) -> list[dict[str, Any]]:
    """The traces that the dashboard lists; none while it is not there yet."""
    try:
        with urlopen(f"{page}api/v1/traces", timeout=10) as answer:  # noqa: S310  our own page
            traces: list[dict[str, Any]] = json.load(answer)["traces"]
            return traces
    except OSError:
        return []


def test_it_shows_every_kind_of_trace_leaves_nothing_behind_even_when_killed_and_starts_again_there(tmp_path):
    with Demo(tmp_path, "--json") as demo:
        demo.wait_until(lambda out: all(f'\\"type\\":\\"{kind}\\"' in out for kind in KINDS))
        below = demo.below()
        assert sum("java" in command.split()[0] for command in below.values()) >= 2  # Kafka and Flink
        demo.process.kill()
    wait_until(lambda: not any(map(is_alive, below)), 30)
    *whole, _ = demo.out.read_text().split("\n")
    assert {json.loads(line)["topic"] for line in whole} == {"_aggregatedTrace"}

    with Demo(tmp_path) as demo:
        demo.wait_until(lambda out: "→ billing " in out and "→ accounting " in out)
        below = demo.below()
        page = re.search(r"Dashboard +(http://127\.0\.0\.1:\d+/)", demo.err.read_text())[1]
        wait_until(lambda: shown_by(page), 60, demo.err.read_text)
        demo.process.send_signal(signal.SIGINT)
        assert demo.process.wait(90) == 0, demo.err.read_text()
    wait_until(lambda: not any(map(is_alive, below)), 30)
    said = demo.err.read_text()
    servers = re.search(r"Kafka +(127\.0\.0\.1:\d+)", said)[1]
    assert f"tracing-aggregator tail --anomalies -b {servers}" in said
    assert "Savepoint: " in said
    assert re.match(r"produced [1-9]\d*  expected [1-9].* open incidents?$", said.splitlines()[-1])
    assert all(re.match(LINE, line) for line in demo.out.read_text().splitlines())
