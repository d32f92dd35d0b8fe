"""Throughput: a run over the preloaded traces, from its start until all of them came out, or until time is up."""

import time
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

from bench.aggregator import ROOT, Aggregator
from bench.bed import Bed
from bench.figures import Row, Throughput
from bench.outputs import Growth
from runners.flink.options import read_configuration
from runners.flink.rest import FlinkRest
from tracing_aggregator.metrics.job import counters

MILLION = 1_000_000
COUNTERS = ("views_cached", "views_rebuilt", "snapshots", "revisions", "dead_lettered")
METRICS_S = 6.0


def stream(
    bed: Bed, name: str, program: Sequence[str], changes: Mapping[str, str], within_s: float, *, root: Path = ROOT
) -> Row:
    """A run that does not end by itself, of the code in `root`."""
    settings = {**bed.settings(), **changes}
    folder = bed.run_folder(settings)
    row = Row(name)
    with (
        Growth(bed.servers, settings["aggregated.topic"]) as growth,
        Aggregator(program, settings, folder, root) as run,
    ):
        run.wait_until_running()
        before, began = run.tree.usage(), time.monotonic()
        row.start_s = began - run.started
        is_complete = run.wait_until(lambda: growth.look() >= bed.traffic.outputs, within_s)
        row.throughput = _throughput(bed, growth, began, run.tree.usage().since(before), is_complete=is_complete)
        row.peak_mb = run.tree.peak_mb
        if settings.get("runner") != "prism":
            time.sleep(METRICS_S)  # Flink's metrics lag
            found = _counters(run.state_folder / "flink")
            row.counters = {counter: found[counter] for counter in COUNTERS if counter in found}
    return row


def _counters(configuration: Path) -> Counter[str]:
    """Of the run whose Flink is configured in this folder."""
    configured = read_configuration(configuration)
    rest, job = FlinkRest(f"localhost:{configured['rest.port']}"), configured["$internal.pipeline.job-id"]
    return counters(rest, job, [task["id"] for task in rest.get(f"/jobs/{job}")["vertices"]])


def bounded(bed: Bed, name: str, program: Sequence[str], changes: Mapping[str, str], within_s: float) -> Row:
    """A run that ends by itself. Its work begins with it, so the start counts; it writes everything at its end."""
    settings = {**bed.settings(), **changes}
    folder = bed.run_folder(settings)
    row = Row(name)
    with (
        Growth(bed.servers, settings["aggregated.topic"]) as growth,
        Aggregator(program, settings, folder) as run,
    ):
        began = run.started
        is_complete = run.wait_until(lambda: growth.look() >= bed.traffic.outputs, within_s)
        row.throughput = _throughput(bed, growth, began, run.tree.usage().cpu_s, is_complete=is_complete)
        row.throughput.warm_per_s = None
        row.peak_mb = run.tree.peak_mb
    return row


def _throughput(bed: Bed, growth: Growth, began: float, cpu_s: Mapping[str, float], *, is_complete: bool) -> Throughput:
    """What is not complete is judged by the outputs that are there."""
    at, written = growth.points[-1]
    outputs = min(written, bed.traffic.outputs)
    share = outputs / bed.traffic.outputs
    traces = round(share * bed.traces)
    # The last look saw more than the last output; this is when that one came.
    ended = growth.reached(outputs) if is_complete else None
    seconds = max(0.001, (ended or at) - began)
    quarter = growth.reached(outputs / 4) or began
    return Throughput(
        traces=traces,
        seconds=seconds,
        per_s=traces / seconds,
        warm_per_s=0.75 * traces / max(0.001, (ended or at) - quarter),
        is_complete=is_complete,
        cpu_s_per_million={kind: seconds * MILLION / max(1, traces) for kind, seconds in cpu_s.items()},
    )
