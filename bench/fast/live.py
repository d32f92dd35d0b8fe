"""Latency at a fixed rate, then the cost of a run that has nothing to do."""

import re
import time
from collections.abc import Iterator, Mapping, Sequence

from bench.aggregator import Aggregator
from bench.bed import Bed
from bench.fast.figures import Figures, latency
from bench.generate import SECOND, Traffic
from bench.outputs import Growth, Outputs
from bench.preload import Feeder, preload
from bench.processes import JAVA, PYTHON
from transforms.input.records import COMMIT

TRACES_PER_MESSAGE = 4
#: So many traces go through before anything is measured, and so long at the fixed rate.
WARM_UP_TRACES = 100_000
WARM_UP_S = 60
WARM_UP_LIMIT_S = 300
#: Commits wait for those that overtake them; this is for the last ones.
STRAGGLERS_S = 15
#: After the last trace, until holds are over and a checkpoint has been made.
SETTLE_S = 20
IDLE_S = 30


def live(
    bed: Bed, name: str, program: Sequence[str], changes: Mapping[str, str], *, rate: int, seconds: int, warm_up: int
) -> Iterator[Figures]:
    """Traces at `rate` a second for `seconds` after a warm-up of `warm_up` traces, then silence."""
    tracing = re.sub(r"[^\w-]+", "-", name)
    settings = {**bed.settings(tracing), **changes}
    folder, output = bed.run_folder(settings), settings["aggregated.topic"]
    early = Traffic(warm_up // TRACES_PER_MESSAGE, time.time_ns() - 60 * SECOND, topics=("warm-up",), seed=2)
    preload(bed.servers, tracing, early.traces())
    with Growth(bed.servers, output) as growth, Aggregator(program, settings, folder) as run:
        run.wait_until_running()
        run.wait_until(lambda: growth.look() >= early.outputs, WARM_UP_LIMIT_S)
        with Outputs(bed.servers, [output], from_now=True) as outputs:
            bed.say(f"{name}: {rate} traces/s for {WARM_UP_S} + {seconds} s …")
            began = time.time_ns() + SECOND
            messages = rate * (WARM_UP_S + seconds) // TRACES_PER_MESSAGE
            traffic = Traffic(messages, began, SECOND * TRACES_PER_MESSAGE // rate, seed=3)
            with Feeder(bed.servers, tracing, traffic.traces()):
                pass
            time.sleep(STRAGGLERS_S)
            delays = outputs.delays(began + WARM_UP_S * SECOND, began + (WARM_UP_S + seconds) * SECOND)
        yield from latencies(f"Latency: {name}, date of the trace to its record being readable", delays)
        bed.say(f"{name}: idle for {IDLE_S} s …")
        time.sleep(SETTLE_S)
        before, since = run.tree.usage(), time.monotonic()
        run.wait_until(lambda: False, IDLE_S)
        usage, passed = run.tree.usage(), time.monotonic() - since
        cpu, memory = usage.since(before), usage.memory_mb
        yield Figures(
            f"Idle for {IDLE_S} s",
            {
                "run": name,
                "Java, % of one core": 100 * cpu.get(JAVA, 0) / passed,
                "Python, % of one core": 100 * cpu.get(PYTHON, 0) / passed,
                "Java MB": memory.get(JAVA, 0),
                "Python MB": memory.get(PYTHON, 0),
            },
        )


def latencies(table: str, delays: Mapping[str, Sequence[float]]) -> Iterator[Figures]:
    """Per type of trace, for all, and for all but COMMITs, which wait for `commit.reorder.ms` by design."""
    groups = {
        "all but COMMIT": [delay for kind, some in delays.items() if kind != COMMIT for delay in some],
        "all": [delay for some in delays.values() for delay in some],
        **dict(sorted(delays.items())),
    }
    for name, some in groups.items():
        if some:
            yield Figures(table, {"traces": name, **latency(some)})
