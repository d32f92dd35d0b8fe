"""The job of the steady run: its settings, and its start as a user starts it."""

import subprocess
import sys
from pathlib import Path

from bench.aggregator import ROOT

START_S = 600


def job_settings(servers: str, folder: Path, retention_s: int) -> dict[str, str]:
    """Defaults, but for a retention that ends while we watch, and waits that fit into it."""
    retention_ms = retention_s * 1000
    waits = ("hold.send.ms", "hold.ack.ms", "hold.consume.ms", "hold.commit.ms", "unacked.ms")
    return {
        "bootstrap.servers": servers,
        "application.id": "steady",
        "state.dir": str(folder / "state"),
        **dict.fromkeys(waits, str(min(10_000, retention_ms))),
        "retention.ms": str(retention_ms),
        "workers": "2",
    }


def submit(settings: dict[str, str]) -> str:
    """Creates the topics and starts the job; returns its id."""
    _command(settings, "topics", "--partitions=4")
    return _command(settings, "run", "--runner=flink")


def _command(settings: dict[str, str], *arguments: str) -> str:
    line = [sys.executable, "-m", "tracing_aggregator.cli.main", *arguments]
    line += [part for name, value in settings.items() for part in ("-o", f"{name}={value}")]
    ended = subprocess.run(line, cwd=ROOT, capture_output=True, text=True, timeout=START_S, check=False)
    if ended.returncode:
        raise RuntimeError(f"{arguments[0]} ended with exit code {ended.returncode}:\n{ended.stderr}")
    return ended.stdout.strip()
