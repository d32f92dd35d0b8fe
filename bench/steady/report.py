"""The figures of a steady run in docs/operations.md: a table, and a plot beside it. Made by the run, never by hand."""

import json
from pathlib import Path

from bench.marks import Marks
from bench.processes import JAVA, PYTHON
from bench.steady.plot import Panel, svg
from bench.steady.samples import Figures, thirds

ROOT = Path(__file__).resolve().parent.parent.parent
FIGURES = ROOT / "docs" / "figures" / "steady.json"
PLOT = ROOT / "docs" / "figures" / "steady.svg"
DOCUMENT = ROOT / "docs" / "operations.md"
MARKS = Marks("steady", "python -m bench.steady --write-docs")
ROWS = {
    "memory of the TaskManager's JVM, MB": "task_manager_mb",
    "memory of its Python workers, MB": "workers_mb",
    "memory of the JobManager, MB": "job_manager_mb",
    "newest checkpoint, MB": "checkpoint_mb",
    "written for it, MB": "written_mb",
    "seconds that it took": "checkpoint_s",
}


def plot(figures: Figures) -> str:
    """The plot as SVG."""
    samples = figures.samples

    def line(name: str) -> list[float]:
        return [getattr(sample, name) for sample in samples]

    return svg(
        [sample.at / 60 for sample in samples],
        [
            Panel(
                "Resident memory, MB",
                {
                    "TaskManager": line("task_manager_mb"),
                    "Python workers": line("workers_mb"),
                    "JobManager": line("job_manager_mb"),
                },
            ),
            Panel("Checkpoints, MB", {"whole": line("checkpoint_mb"), "written": line("written_mb")}),
            Panel("Duration of checkpoints, s", {"duration": line("checkpoint_s")}),
            Panel("Traces that are in and not out yet", {"behind": [max(0, s.traces - s.records) for s in samples]}),
        ],
    )


def table(figures: Figures) -> str:
    """The table in Markdown, with how it was measured."""
    cpu = figures.cpu_s_per_million
    java, python = cpu.get(JAVA, 0), cpu.get(PYTHON, 0)
    how = (
        f"{figures.minutes:.0f} minutes at {figures.rate} traces/s, retention {figures.retention_s} s, "
        f"{figures.workers} Python workers, {figures.machine}.\n"
    )
    lines = [
        how,
        "| | mean, second third | mean, last third | highest |",
        "| --- | ---: | ---: | ---: |",
    ]
    for title, name in ROWS.items():
        lines.append(f"| {title} | {' | '.join(f'{value:.1f}' for value in thirds(figures.samples, name))} |")
    sums = (
        f"{figures.traces} traces in, {figures.records} records out; {figures.checkpoints} checkpoints, "
        f"{figures.failed} failed. CPU seconds per million traces: {java + python:.0f} (Java {java:.0f}, "
        f"Python {python:.0f}), {figures.cores_busy:.2f} cores on average. "
        f"State per message remembered: {figures.state_bytes_per_message:.0f} bytes in a checkpoint."
    )
    lines += ["", sums]
    return "\n".join(lines) + "\n"


def write(figures: Figures) -> None:
    """Keep the figures, draw the plot, and put the table between the two marks of the document."""
    FIGURES.write_text(json.dumps(figures.as_json(), indent=1) + "\n", encoding="utf-8")
    PLOT.write_text(plot(figures), encoding="utf-8")
    MARKS.write(DOCUMENT, table(figures))
