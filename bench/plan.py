"""Which runs make a bench, in order, and what becomes of one that fails."""

import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from time import time_ns
from types import MappingProxyType

from bench import live, replay, throughput
from bench.aggregator import DESIGN, NAIVE, TRANSPORT
from bench.bed import Bed, test_bed
from bench.figures import Row
from bench.generate import Traffic

RUNNERS = ("file", "direct", "flink", "transport", "naive", "prism")
FLINK, ONE_WORKER, SMALL_CACHE = "flink, 2 workers", "flink, 1 worker", "flink, small cache"
NAIVE_NAME, LIVE = "naive join on flink, 2 workers", "flink, 2 workers, live"
TRANSPORT_NAME, TRANSPORT_LIVE = "transport alone, 2 workers", "transport alone, live"
JAVA_TRANSPORT_NAME, JAVA_TRANSPORT_LIVE = "transport alone by kafka.io=java", "transport alone by kafka.io=java, live"
JAVA_IO = {"kafka.io": "java"}
#: A file is held in memory whole.
REPLAYED_TRACES = 200_000
#: Sends of all shards alone weigh more than this at 100,000 traces.
SMALL_CACHE_MB = 8


@dataclass(frozen=True)
class Plan:
    """What to measure: `traces` in all, `groups` of consumers, `rate` in traces/s. Each run ends after `within_s`.

    `overrides` are settings of every run on Kafka.
    """

    traces: int
    groups: int
    runners: Sequence[str]
    rate: int
    live_s: int
    within_s: float
    naive_s: float
    warm_up: int = live.WARM_UP_TRACES
    overrides: Mapping[str, str] = field(default_factory=dict)

    def traffic(self, at_most: int | None = None) -> Traffic:
        """Traffic of `traces`, or `at_most` so many; its last date is about now."""
        messages = max(1, min(self.traces, at_most or self.traces) // (2 + 2 * self.groups))
        interval = Traffic.interval
        return Traffic(messages, time_ns() - messages * interval, interval, self.groups)


def measure(plan: Plan, say: Callable[[str], None]) -> Iterator[Row]:
    """The rows, each as soon as it is there. A run that fails gives a row that says why."""
    if "file" in plan.runners:
        with TemporaryDirectory(prefix="tracing-aggregator-bench-") as folder:
            yield _attempt(
                "replay of a file",
                lambda: replay.replay(Path(folder), plan.traffic(REPLAYED_TRACES), plan.within_s, say),
                say,
            )
    if set(plan.runners) - {"file"}:
        with test_bed(plan.traffic(), plan.overrides, say) as bed:
            for name, run in _runs(plan, bed):
                yield _attempt(name, run, say)


def _runs(plan: Plan, bed: Bed) -> Iterator[tuple[str, Callable[[], Row]]]:
    def stream(name: str, changes: dict[str, str], program: Sequence[str] = DESIGN) -> tuple[str, Callable[[], Row]]:
        within_s = plan.naive_s if program == NAIVE or name == SMALL_CACHE else plan.within_s
        return name, lambda: throughput.stream(bed, name, program, changes, within_s)

    def at_rate(
        name: str, program: Sequence[str], changes: Mapping[str, str] = MappingProxyType({})
    ) -> tuple[str, Callable[[], Row]]:
        paced = {"rate": plan.rate, "seconds": plan.live_s, "warm_up": plan.warm_up}
        return name, lambda: live.live(bed, name, program, changes, **paced)

    if "direct" in plan.runners:
        name = "direct, Kafka to Kafka"
        yield name, lambda: throughput.bounded(bed, name, DESIGN, {"runner": "direct"}, plan.within_s)
    if "flink" in plan.runners:
        yield stream(FLINK, {})
        yield stream(ONE_WORKER, {"workers": "1"})
        yield stream(SMALL_CACHE, {"state.cache.mb": str(SMALL_CACHE_MB)})
    if "transport" in plan.runners:
        yield stream(TRANSPORT_NAME, {}, TRANSPORT)
        yield stream(JAVA_TRANSPORT_NAME, JAVA_IO, TRANSPORT)
    if "naive" in plan.runners:
        yield stream(NAIVE_NAME, {}, NAIVE)
    if "prism" in plan.runners and shutil.which("prism"):
        yield stream("prism", {"runner": "prism"})
    if "flink" in plan.runners:
        yield at_rate(LIVE, DESIGN)
    if "transport" in plan.runners:
        yield at_rate(TRANSPORT_LIVE, TRANSPORT)
        yield at_rate(JAVA_TRANSPORT_LIVE, TRANSPORT, JAVA_IO)


def _attempt(name: str, run: Callable[[], Row], say: Callable[[str], None]) -> Row:
    say(f"{name} …")
    try:
        return run()
    except Exception as error:  # noqa: BLE001  one failure must not cost the other figures
        say(f"{name} failed: {error}")
        return Row(name, failure=str(error))
