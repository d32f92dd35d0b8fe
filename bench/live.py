"""Latency at a fixed rate, then the cost of a run that has nothing to do."""

import time
from collections.abc import Iterable, Mapping, Sequence

from bench.aggregator import Aggregator
from bench.bed import Bed
from bench.figures import Idle, Latency, Row
from bench.generate import SECOND, Traffic
from bench.outputs import Delays, Growth
from bench.preload import Loader, paced, preload
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
) -> Row:
    """Traces at `rate` a second for `seconds` after a warm-up of `warm_up` traces, then silence."""
    tracing = f"live{name.replace(' ', '-').replace(',', '')}"
    settings = {**bed.settings(tracing), **changes}
    folder = bed.run_folder(settings)
    row = Row(name)
    early = Traffic(warm_up // TRACES_PER_MESSAGE, time.time_ns() - 60 * SECOND, topics=("warm-up",), seed=2)
    preload(bed.servers, tracing, early.traces(), lambda _: None)
    with (
        Growth(bed.servers, settings["aggregated.topic"]) as growth,
        Aggregator(program, settings, folder) as run,
    ):
        run.wait_until_running()
        row.start_s = time.monotonic() - run.started
        run.wait_until(lambda: growth.look() >= early.outputs, WARM_UP_LIMIT_S)
        with Delays(bed.servers, settings["aggregated.topic"]) as delays:
            bed.say(f"{name}: {rate} traces/s for {WARM_UP_S} + {seconds} s …")
            began = time.time_ns() + SECOND
            measured_from, measured_to = began + WARM_UP_S * SECOND, began + (WARM_UP_S + seconds) * SECOND
            messages = rate * (WARM_UP_S + seconds) // TRACES_PER_MESSAGE
            traffic = Traffic(messages, began, SECOND * TRACES_PER_MESSAGE // rate, seed=3)
            loader = Loader(bed.servers, tracing)
            for trace in paced(traffic.traces()):
                loader.produce(trace)
            loader.flush()
            time.sleep(STRAGGLERS_S)
            row.latency = summary(delays.between(measured_from, measured_to))
        bed.say(f"{name}: idle for {IDLE_S} s …")
        time.sleep(SETTLE_S)
        before, since = run.tree.usage(), time.monotonic()
        run.wait_until(lambda: False, IDLE_S)
        row.idle = Idle.of(before, run.tree.usage(), time.monotonic() - since)
        row.peak_mb = run.tree.peak_mb
    return row


def summary(delays: Mapping[str, Iterable[float]]) -> dict[str, Latency]:
    """Per type of trace, for all, and for all but COMMITs, which wait for `commit.reorder.ms` by design."""
    lists = {kind: list(some) for kind, some in delays.items()}
    everything = [delay for some in lists.values() for delay in some]
    groups = {
        "all but COMMIT": [delay for kind, some in lists.items() if kind != COMMIT for delay in some],
        "all": everything,
        **dict(sorted(lists.items())),
    }
    return {name: Latency.of(some) for name, some in groups.items() if some}
