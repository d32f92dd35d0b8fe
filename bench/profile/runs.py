"""The runs that are profiled: the same load, settings and processes as in the bench, once the run is warm."""

import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

from bench.aggregator import DESIGN, Aggregator, AggregatorError
from bench.bed import Bed, test_bed
from bench.outputs import Growth
from bench.plan import REPLAYED_TRACES, Plan
from bench.preload import write_file
from bench.processes import PROC
from bench.profile.recorders import java_stacks, python_stacks
from bench.profile.stacks import Stack
from pipeline.config.settings import Settings

TARGETS = ("replay", "direct", "flink")
START_S = 120
POLL_S = 0.1
_PROGRAM, _WORKER, _FLINK = (
    "tracing_aggregator.cli.main",
    "runners.worker",
    "org.apache.beam.runners.flink.FlinkJobServerDriver",
)


class Profile(NamedTuple):
    """What one kind of process did: `name` of the graph, its title, and the stacks."""

    name: str
    title: str
    stacks: Counter[Stack]


def profile(plan: Plan, seconds: int, say: Callable[[str], None]) -> Iterator[Profile]:
    """A profile of each kind of process of each of `plan.runners`, which are some of TARGETS."""
    if "replay" in plan.runners:
        with TemporaryDirectory(prefix="tracing-aggregator-profile-") as folder:
            yield _replay(Path(folder), plan, say)
    if set(plan.runners) - {"replay"}:
        with test_bed(plan.traffic(), plan.overrides, say) as bed:
            if "direct" in plan.runners:
                yield _direct(bed, plan.within_s)
            if "flink" in plan.runners:
                yield from _flink(bed, seconds, plan.within_s)


def _replay(folder: Path, plan: Plan, say: Callable[[str], None]) -> Profile:
    file = folder / "traces.jsonl"
    traces = write_file(file, Settings().tracing_topic, plan.traffic(REPLAYED_TRACES).traces())
    say(f"replay of {traces} traces …")
    program = ("tracing_aggregator.cli.main", "replay", str(file), "--output", str(folder / "out"), "--config")
    with Aggregator(program, {"application.id": "profile", "state.dir": str(folder)}, folder) as run:
        stacks = python_stacks(_running(run, _PROGRAM), None, folder, plan.within_s)
    return Profile("replay", f"replay of a file: Python, {traces} traces", stacks)


def _direct(bed: Bed, within_s: float) -> Profile:
    settings = {**bed.settings(), "runner": "direct"}
    folder = bed.run_folder(settings)
    bed.say("direct …")
    with Aggregator(DESIGN, settings, folder) as run:
        stacks = python_stacks(_running(run, _PROGRAM), None, folder, within_s)
    return Profile("direct", f"direct, Kafka to Kafka: Python, {bed.traces} traces", stacks)


def _flink(bed: Bed, seconds: int, within_s: float) -> Iterator[Profile]:
    """Java first, then Python: a profiler slows down what it looks at, and the other with it."""
    settings = bed.settings()
    folder = bed.run_folder(settings)
    bed.say("embedded Flink …")
    with Growth(bed.servers, settings["aggregated.topic"]) as growth, Aggregator(DESIGN, settings, folder) as run:
        run.wait_until_running()
        if not run.wait_until(lambda: growth.look() >= bed.traffic.outputs / 4, within_s):
            raise AggregatorError(f"A quarter of the traces was not through after {within_s:.0f} s:\n{run.tail()}")
        (java,) = _running(run, _FLINK)
        workers = _running(run, _WORKER)
        title = "embedded Flink, once warm"
        yield Profile("flink-java", f"{title}: Java", java_stacks(java, seconds, folder, within_s))
        yield Profile(
            "flink-python", f"{title}: {len(workers)} Python workers", python_stacks(workers, seconds, folder, within_s)
        )
        if growth.look() >= bed.traffic.outputs:
            bed.say("All traces were through before the profile was: take more --traces.")


def _running(run: Aggregator, program: str) -> Sequence[int]:
    """The processes of the run with this program on their command line."""
    deadline = time.monotonic() + START_S
    while True:
        found = [pid for pid in sorted(run.tree.alive()) if _runs(pid, program)]
        if found or time.monotonic() > deadline:
            return found
        time.sleep(POLL_S)


def _runs(pid: int, program: str) -> bool:
    command = PROC.joinpath(str(pid), "cmdline").read_bytes().decode(errors="replace").split("\0")
    return program in command and "-S" not in command  # that is the launcher, which has yet to become the program
