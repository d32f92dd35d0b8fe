"""Which runs make a bench, in order, and what becomes of one that fails."""

import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from time import time_ns

from bench.aggregator import DESIGN
from bench.bed import Bed, test_bed
from bench.console import Say
from bench.fast.figures import Figures
from bench.fast.live import WARM_UP_TRACES, live
from bench.fast.replay import replay
from bench.fast.throughput import TABLE, stream
from bench.generate import Traffic

RUNNERS = ("file", "direct", "flink", "transport", "prism")
TRANSPORT = ("bench.fast.transport",)
JAVA_IO = {"kafka.io": "java"}
#: A file is held in memory whole.
REPLAYED_TRACES = 200_000
#: SENDs of all shards alone weigh more than this at 100,000 traces; such a run ends sooner.
SMALL_CACHE, SMALL_CACHE_S = {"state.cache.mb": "8"}, 90

Run = tuple[str, Callable[[], Iterator[Figures]]]


@dataclass(frozen=True)
class Plan:
    """What to measure: `traces` in all, `groups` of consumers, `rate` in traces/s. Each run ends after `within_s`.

    `overrides` are settings of every run on Kafka.
    """

    traces: int
    groups: int
    runners: Sequence[str]
    rate: int = 800
    live_s: int = 60
    within_s: float = 900
    warm_up: int = WARM_UP_TRACES
    overrides: Mapping[str, str] = field(default_factory=dict)

    def traffic(self, at_most: int | None = None) -> Traffic:
        """Traffic of `traces`, or `at_most` so many; its last date is about now."""
        messages = max(1, min(self.traces, at_most or self.traces) // (2 + 2 * self.groups))
        interval = Traffic.interval
        return Traffic(messages, time_ns() - messages * interval, interval, self.groups)


def measure(plan: Plan, say: Say) -> Iterator[Figures]:
    """The figures, each as soon as it is there. A run that fails gives a row that says so."""
    if "file" in plan.runners:
        name = "replay of a file"
        yield from _attempt(name, partial(replay, name, plan.traffic(REPLAYED_TRACES), plan.within_s, say), say)
    if set(plan.runners) - {"file"}:
        with test_bed(plan.traffic(), plan.overrides, say) as bed:
            for name, run in _runs(plan, bed):
                yield from _attempt(name, run, say)


def _runs(plan: Plan, bed: Bed) -> Iterator[Run]:
    def whole(name: str, changes: Mapping[str, str], program: Sequence[str] = DESIGN) -> Run:
        within_s = SMALL_CACHE_S if changes == SMALL_CACHE else plan.within_s
        is_bounded = changes.get("runner") == "direct"
        return name, partial(stream, bed, name, program, changes, within_s, is_bounded=is_bounded)

    def at_rate(name: str, changes: Mapping[str, str], program: Sequence[str] = DESIGN) -> Run:
        paced = {"rate": plan.rate, "seconds": plan.live_s, "warm_up": plan.warm_up}
        return name, partial(live, bed, name, program, changes, **paced)

    if "direct" in plan.runners:
        yield whole("direct, Kafka to Kafka", {"runner": "direct"})
    if "flink" in plan.runners:
        yield whole("flink, 2 workers", {})
        yield whole("flink, 1 worker", {"workers": "1"})
        yield whole("flink, small cache", SMALL_CACHE)
    if "transport" in plan.runners:
        yield whole("transport alone, 2 workers", {}, TRANSPORT)
        yield whole("transport alone by kafka.io=java", JAVA_IO, TRANSPORT)
    if "prism" in plan.runners and shutil.which("prism"):
        yield whole("prism", {"runner": "prism"})
    if "flink" in plan.runners:
        yield at_rate("flink, 2 workers, live", {})
    if "transport" in plan.runners:
        yield at_rate("transport alone, live", {}, TRANSPORT)
        yield at_rate("transport alone by kafka.io=java, live", JAVA_IO, TRANSPORT)


def _attempt(name: str, run: Callable[[], Iterator[Figures]], say: Say) -> Iterator[Figures]:
    say(f"{name} …")
    try:
        yield from run()
    except Exception as error:  # noqa: BLE001  one failure must not cost the other figures
        say(f"{name} failed: {error}")
        yield Figures(TABLE, {"run": name, "traces": "failed"})
