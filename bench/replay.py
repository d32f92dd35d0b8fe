"""Throughput of `replay`: a file in, files out, one process, no Kafka and no Java."""

import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple

from bench.aggregator import POLL_S, Aggregator, AggregatorError
from bench.figures import Row, Throughput
from bench.generate import Traffic
from bench.preload import write_file
from bench.throughput import MILLION
from pipeline.config.settings import Settings


class _Replayed(NamedTuple):
    seconds: float
    cpu_s: Mapping[str, float]
    peak_mb: Mapping[str, float]


def replay(folder: Path, traffic: Traffic, within_s: float, say: Callable[[str], None]) -> Row:
    """A `replay` of the traffic, and one of nothing: the start is what both have in common.

    Raises AggregatorError unless all of it comes out in time.
    """
    file, empty = folder / "traces.jsonl", folder / "nothing.jsonl"
    traces = write_file(file, Settings().tracing_topic, traffic.traces())
    say(f"{traces} traces are in {file}.")
    empty.touch()
    start = _replay(empty, 0, within_s)
    whole = _replay(file, traffic.outputs, within_s)
    seconds = whole.seconds - start.seconds
    cpu = {kind: (cpu_s - start.cpu_s.get(kind, 0)) * MILLION / traces for kind, cpu_s in whole.cpu_s.items()}
    rates = (traces / whole.seconds, traces / max(0.001, seconds))
    more_mb = sum(whole.peak_mb.values()) - sum(start.peak_mb.values())
    done = Throughput(traces, seconds, *rates, True, cpu, 1000 * more_mb / traces)  # noqa: FBT003  it is complete
    return Row("replay of a file", start.seconds, done, whole.peak_mb)


def _replay(file: Path, expected: int, within_s: float) -> _Replayed:
    folder, topic = file.with_suffix(""), Settings().aggregated_topic
    folder.mkdir()
    settings = {"application.id": "bench-replay", "state.dir": str(folder)}
    program = ("tracing_aggregator.cli.main", "replay", str(file), "--output", str(folder), "--config")
    with Aggregator(program, settings, folder) as run:
        deadline = run.started + within_s
        usage = run.tree.usage()
        while run.exit_code is None and time.monotonic() < deadline:
            time.sleep(POLL_S)
            usage = run.tree.usage()
        seconds = time.monotonic() - run.started
        written = _lines(folder / f"{topic}.jsonl")
        if run.exit_code != 0 or written < expected:
            raise AggregatorError(f"{written} of {expected} records after {seconds:.0f} s:\n{run.tail()}")
        return _Replayed(seconds, usage.cpu_s, run.tree.peak_mb)


def _lines(file: Path) -> int:
    if not file.exists():
        return 0
    with file.open("rb") as lines:
        return sum(1 for _ in lines)
