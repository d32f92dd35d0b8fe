"""Throughput: a run over the preloaded traces, from its start until all of them came out, or until time is up."""

import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from bench.aggregator import Aggregator
from bench.bed import Bed
from bench.documents import ROOT
from bench.fast.figures import Figures, cpu_per_million
from bench.outputs import Growth
from tracing_aggregator.metrics.job import counters

TABLE = "Throughput"
COUNTERS = ("views_cached", "views_rebuilt", "snapshots", "revisions", "dead_lettered")
METRICS_S = 6.0


def stream(
    bed: Bed,
    name: str,
    program: Sequence[str],
    changes: Mapping[str, str],
    within_s: float,
    *,
    root: Path = ROOT,
    is_bounded: bool = False,
) -> Iterator[Figures]:
    """A run of the code in `root`.

    A bounded one ends by itself: its work begins with it, so the start counts, and it writes everything at its end.
    """
    settings = {**bed.settings(), **changes}
    folder = bed.run_folder(settings)
    with (
        Growth(bed.servers, settings["aggregated.topic"]) as growth,
        Aggregator(program, settings, folder, root) as run,
    ):
        began, before = run.started, run.tree.usage()
        if not is_bounded:
            run.wait_until_running()
            before, began = run.tree.usage(), time.monotonic()
        is_complete = run.wait_until(lambda: growth.look() >= bed.traffic.outputs, within_s)
        cpu_s, peak_mb = run.tree.usage().since(before), sum(run.tree.peak_mb.values())
        at, written = growth.points[-1]
        outputs = min(written, bed.traffic.outputs)
        # What is not complete is judged by the outputs that are there.
        traces = round(outputs / bed.traffic.outputs * bed.traces)
        # The last look saw more than the last output; this is when that one came.
        ended = growth.reached(outputs) if is_complete else None
        quarter = growth.reached(outputs / 4) or began
        start = {} if is_bounded else {"start s": began - run.started}
        warm = {} if is_bounded else {"once warm": 0.75 * traces / max(0.001, (ended or at) - quarter)}
        row: dict[str, float | str] = {
            "run": name,
            "traces": traces,
            "traces/s": traces / max(0.001, (ended or at) - began),
            **warm,
        }
        row |= {**cpu_per_million(cpu_s, traces), "peak MB": peak_mb, **start}
        if not is_complete:
            row["run"] = f"{name} (time was up)"
        yield Figures(TABLE, row)
        if not is_bounded and settings.get("runner") != "prism":
            time.sleep(METRICS_S)  # Flink's metrics lag
            rest, job = run.flink()
            found = counters(rest, job, [task["id"] for task in rest.get(f"/jobs/{job}")["vertices"]])
            yield Figures("Counters", {"run": name, **{name: found[name] for name in COUNTERS if name in found}})
