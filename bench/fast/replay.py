"""Throughput of `replay`: a file in, files out, one process, no Kafka and no Java."""

import time
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

from bench.aggregator import POLL_S, Aggregator, AggregatorError
from bench.console import Say
from bench.fast.figures import Figures, cpu_per_million
from bench.fast.throughput import TABLE
from bench.generate import Traffic
from bench.preload import write_file
from bench.processes import PYTHON
from pipeline.config.settings import Settings


class _Replayed(NamedTuple):
    seconds: float
    cpu_s: float
    peak_mb: float


def replay(name: str, traffic: Traffic, within_s: float, say: Say) -> Iterator[Figures]:
    """A `replay` of the traffic, and one of nothing: the start is what both have in common.

    Raises AggregatorError unless all of it comes out in time.
    """
    with TemporaryDirectory(prefix="tracing-aggregator-bench-") as folder:
        file, empty = Path(folder) / "traces.jsonl", Path(folder) / "nothing.jsonl"
        traces = write_file(file, Settings().tracing_topic, traffic.traces())
        say(f"{traces} traces are in {file}.")
        empty.touch()
        start, whole = _replay(empty, 0, within_s), _replay(file, traffic.outputs, within_s)
    row: dict[str, float | str] = {
        "run": name,
        "traces": traces,
        "traces/s": traces / whole.seconds,
        "once warm": traces / max(0.001, whole.seconds - start.seconds),
        **cpu_per_million({PYTHON: whole.cpu_s - start.cpu_s}, traces),
        "peak MB": whole.peak_mb,
        "start s": start.seconds,
        "kB per trace": 1000 * (whole.peak_mb - start.peak_mb) / traces,
    }
    yield Figures(TABLE, row)


def _replay(file: Path, expected: int, within_s: float) -> _Replayed:
    folder = file.with_suffix("")
    folder.mkdir()
    settings = {"application.id": "bench-replay", "state.dir": str(folder)}
    program = ("tracing_aggregator.cli.main", "replay", str(file), "--output", str(folder), "--config")
    with Aggregator(program, settings, folder) as run:
        usage = run.tree.usage()
        while run.exit_code is None and time.monotonic() < run.started + within_s:
            time.sleep(POLL_S)
            usage = run.tree.usage()
        seconds = time.monotonic() - run.started
        output = folder / f"{Settings().aggregated_topic}.jsonl"
        written = len(output.read_bytes().splitlines()) if output.exists() else 0
        if run.exit_code != 0 or written < expected:
            raise AggregatorError(f"{written} of {expected} records after {seconds:.0f} s:\n{run.tail()}")
        return _Replayed(seconds, sum(usage.cpu_s.values()), sum(run.tree.peak_mb.values()))
