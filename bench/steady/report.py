"""The figures of a steady run in docs/operations.md: a table, and a plot beside it. Made by the run, never by hand."""

import json
from collections.abc import Mapping, Sequence
from statistics import mean
from typing import Any

from bench.charts import Panel, svg
from bench.documents import DOCUMENTS, Marks
from bench.steady.run import TRACES_PER_MESSAGE, Sample
from tracing_aggregator.sizing.tables import grid

FIGURES = DOCUMENTS / "figures" / "steady.json"
PLOT = DOCUMENTS / "figures" / "steady.svg"
DOCUMENT = DOCUMENTS / "operations.md"
MARKS = Marks("steady", "python -m bench.steady --write-docs")
WIDTH = 8
ROWS = {
    "memory of the TaskManager's JVM, MB": "task_manager_mb",
    "memory of its Python workers, MB": "workers_mb",
    "memory of the JobManager, MB": "job_manager_mb",
    "newest checkpoint, MB": "checkpoint_mb",
    "written for it, MB": "written_mb",
    "seconds that it took": "checkpoint_s",
}
#: Title with the unit, and what of a sample is drawn, by the name of the line.
PANELS = {
    "Resident memory, MB": {
        "TaskManager": "task_manager_mb",
        "Python workers": "workers_mb",
        "JobManager": "job_manager_mb",
    },
    "Checkpoints, MB": {"whole": "checkpoint_mb", "written": "written_mb"},
    "Duration of checkpoints, s": {"duration": "checkpoint_s"},
    "Traces that are in and not out yet": {"behind": "behind"},
}

Figures = Mapping[str, Any]


def plot(figures: Figures) -> str:
    """The plot as SVG, over minutes."""

    def lines(names: Mapping[str, str]) -> dict[str, list[tuple[float, float]]]:
        return {line: [(one["seconds"] / 60, one[name]) for one in figures["samples"]] for line, name in names.items()}

    return svg([Panel(title, lines(names)) for title, names in PANELS.items()], columns=1, width=WIDTH)


def table(figures: Figures) -> str:
    """The table in Markdown, with how it was measured."""
    java, python = figures["Java CPU s per million"], figures["Python CPU s per million"]
    how = (
        f"{figures['minutes']:.0f} minutes at {figures['rate']} traces/s, retention {figures['retention_s']} s, "
        f"{figures['workers']} Python workers, {figures['machine']}.\n"
    )
    samples = figures["samples"]
    lines = [(title, *(f"{value:.1f}" for value in thirds(samples, name))) for title, name in ROWS.items()]
    sums = (
        f"{figures['traces']} traces in, {figures['records']} records out; {figures['checkpoints']} checkpoints, "
        f"{figures['failed']} failed. CPU seconds per million traces: {java + python:.0f} (Java {java:.0f}, "
        f"Python {python:.0f}), {figures['cores_busy']:.2f} cores on average. State per message remembered: "
        f"{bytes_per_message(samples, figures['rate'], figures['retention_s']):.0f} bytes in a checkpoint."
    )
    return f"{how}\n{grid(('', 'mean, second third', 'mean, last third', 'highest'), lines)}\n{sums}\n"


def thirds(samples: Sequence[Sample], name: str) -> tuple[float, float, float]:
    """The mean of a figure in the second and the last third of the time, and its maximum."""
    values = [sample[name] for sample in samples]
    part = max(1, len(values) // 3)
    return mean(values[part : 2 * part] or values), mean(values[-part:]), max(values)


def bytes_per_message(samples: Sequence[Sample], rate: int, retention_s: int) -> float:
    """State per message that is remembered, once as many are forgotten as come; of the last third of the samples."""
    messages = rate / TRACES_PER_MESSAGE * min(retention_s, samples[-1]["seconds"])
    return thirds(samples, "checkpoint_mb")[1] * 1e6 / messages


def write(figures: Figures) -> None:
    """Keep the figures, draw the plot, and put the table between the two marks of the document."""
    FIGURES.write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")
    PLOT.write_text(plot(figures), encoding="utf-8")
    MARKS.write(DOCUMENT, table(figures))
