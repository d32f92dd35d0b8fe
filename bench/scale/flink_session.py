"""One embedded Flink, warmed up, that gets one load after the other: a start for each point would take longer."""

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from itertools import count

from bench.aggregator import DESIGN, Aggregator
from bench.bed import Bed, test_bed
from bench.figures import Latency
from bench.generate import SECOND, Traffic
from bench.outputs import Delays, Growth
from bench.preload import Loader, paced
from bench.processes import JAVA, PYTHON
from bench.throughput import MILLION
from runners.flink.options import read_configuration
from runners.flink.rest import FlinkRest
from tracing_aggregator.sizing.curves import Row
from transforms.input.records import COMMIT

WITHIN_S = 240
#: At a new rate, before anything is measured.
SETTLE_S = 5
#: Until the last outputs of a rate are there; COMMITs wait longer on purpose and are left out.
STRAGGLERS_S = 2
CHECKPOINT_S = 60


@dataclass(frozen=True)
class Load:
    """What comes in: to one topic, its `partitions` with these `shares` (empty: all alike).

    Without a group nothing but an ACK that names its message tells where a SEND lies: then ACKs do.
    """

    groups: int = 1
    partitions: int = 4
    shares: tuple[float, ...] = ()

    @property
    def traces_per_message(self) -> int:
        """SEND and ACK, and two of each group."""
        return 2 + 2 * self.groups


class Session:
    """A bed with a tracing topic of its own, and the settings of one aggregator that may be started several times."""

    def __init__(self, bed: Bed) -> None:
        self.bed = bed
        self.settings = bed.settings()
        self._folder = bed.run_folder(self.settings)
        self.messages = bed.traffic.messages

    @contextmanager
    def run(self) -> Iterator["Running"]:
        """Embedded Flink for as long as the block runs; the next one resumes from what this one saved."""
        topic = self.settings["aggregated.topic"]
        with ExitStack() as stack:
            growth = stack.enter_context(Growth(self.bed.servers, topic))
            outputs = growth.look()
            delays = stack.enter_context(Delays(self.bed.servers, topic))
            if outputs:  # else the warm-up is there to be read
                loader = Loader(self.bed.servers, self.settings["tracing.topic"])
                for trace in Traffic(1, time.time_ns(), topics=("start",), seed=time.time_ns()).traces():
                    loader.produce(trace)
                loader.flush()
            run = stack.enter_context(Aggregator(DESIGN, self.settings, self._folder))
            run.wait_until_running()
            start_s = time.monotonic() - run.started
            run.wait_until(lambda: growth.look() > outputs, WITHIN_S)
            start = {"running after s": start_s, "first output after s": time.monotonic() - run.started}
            yield Running(self, run, growth, delays, start)


class Running:
    """The aggregator, at work."""

    def __init__(self, session: Session, run: Aggregator, growth: Growth, delays: Delays, start: Row) -> None:
        self.start = start
        self._session = session
        self._run = run
        self._growth = growth
        self._delays = delays
        self._numbers = count(round(time.time()))

    def wait_for(self, outputs: int) -> None:
        """Returns when so many records are there in all; raises TimeoutError when they do not come."""
        if not self._run.wait_until(lambda: self._growth.look() >= outputs, WITHIN_S):
            raise TimeoutError(f"{self._growth.look()} of {outputs} records after {WITHIN_S} s")

    def paced(self, load: Load, messages_per_s: float, seconds: float) -> Row:
        """The load at this rate: latency of all but COMMITs, CPU and memory, after a few seconds of settling."""
        session, number = self._session, next(self._numbers)
        began, total = time.time_ns() + SECOND, SETTLE_S + seconds
        interval = round(SECOND / messages_per_s)
        traffic = _traffic(load, round(messages_per_s * total), began, interval, number)
        feeder = threading.Thread(target=self._feed, args=(traffic,), name="feeder", daemon=True)
        feeder.start()
        feeder.join(1 + SETTLE_S)
        before, since = self._run.tree.usage(), time.monotonic()
        feeder.join(WITHIN_S)
        after, passed = self._run.tree.usage(), time.monotonic() - since
        time.sleep(STRAGGLERS_S)
        session.messages += traffic.messages
        delays = self._delays.between(began + SETTLE_S * SECOND, began + round(total * SECOND))
        latency = Latency.of([delay for kind, some in delays.items() if kind != COMMIT for delay in some])
        cpu, traces = after.since(before), messages_per_s * passed * load.traces_per_message
        return {
            "traces/s": messages_per_s * load.traces_per_message,
            **_cpu(cpu, traces),
            "cores": sum(cpu.values()) / passed,
            "p50 s": latency.p50,
            "p95 s": latency.p95,
            "Java MB": after.memory_mb.get(JAVA, 0),
            "Python MB": after.memory_mb.get(PYTHON, 0),
        }

    def burst(self, load: Load, traces: int) -> Row:
        """So many traces at once: how fast they go through, and what it costs when there is always work."""
        session = self._session
        messages = traces // load.traces_per_message
        traffic = _traffic(load, messages, time.time_ns(), Traffic.interval, next(self._numbers))
        records = list(traffic.traces())
        outputs = self._growth.look()
        before, each = self._run.tree.usage(), self._run.tree.cpu_of_each(PYTHON)
        loader = Loader(session.bed.servers, session.settings["tracing.topic"])
        for record in records:
            loader.produce(record)
        loader.flush()
        self.wait_for(outputs + len(records))
        cpu, now = self._run.tree.usage().since(before), self._run.tree.cpu_of_each(PYTHON)
        session.messages += messages
        early, late = (self._growth.reached(outputs + share * len(records)) or 0.0 for share in (0.1, 0.95))
        workers = int(session.settings.get("workers", "2"))
        busiest = sorted((cpu_s - each.get(pid, 0) for pid, cpu_s in now.items()), reverse=True)[:workers]
        return {
            "traces/s": 0.85 * len(records) / (late - early),
            **_cpu(cpu, len(records)),
            "share of the busiest worker": busiest[0] / sum(busiest),
        }

    def checkpoint_mb(self) -> float:
        """What a checkpoint holds that was begun after this call."""
        configured = read_configuration(self._run.state_folder / "flink")
        rest, job = FlinkRest(f"localhost:{configured['rest.port']}"), configured["$internal.pipeline.job-id"]
        asked, sizes = time.time() * 1000, list[float]()

        def look() -> bool:
            newest = rest.get(f"/jobs/{job}/checkpoints")["latest"]["completed"]
            if newest and newest["trigger_timestamp"] >= asked:
                sizes.append(newest["state_size"] / 1e6)
            return bool(sizes)

        if not self._run.wait_until(look, CHECKPOINT_S):
            raise TimeoutError(f"no checkpoint within {CHECKPOINT_S} s")
        return sizes[0]

    def _feed(self, traffic: Traffic) -> None:
        loader = Loader(self._session.bed.servers, self._session.settings["tracing.topic"])
        for trace in paced(traffic.traces()):
            loader.produce(trace)
        loader.flush()


@contextmanager
def session(warm_up: int, overrides: Mapping[str, str], say: Callable[[str], None]) -> Iterator[Session]:
    """A session whose tracing topic holds `warm_up` traces."""
    traffic = Traffic(warm_up // Load().traces_per_message, time.time_ns() - 60 * SECOND, topics=("warm-up",))
    with test_bed(traffic, overrides, say) as bed:
        yield Session(bed)


def _traffic(load: Load, messages: int, start: int, interval: int, number: int) -> Traffic:
    """Each load has a topic of its own, so that its offsets begin at 0."""
    topics = (f"topic-{number}",)
    return Traffic(
        messages, start, interval, load.groups, topics, load.partitions, seed=number, shares=load.shares,
        named_acks=not load.groups,
    )  # fmt: skip


def _cpu(cpu: Mapping[str, float], traces: float) -> Row:
    return {f"{name} CPU s per million": cpu.get(kind, 0) * MILLION / traces for name, kind in _KINDS.items()}


_KINDS = {"Java": JAVA, "Python": PYTHON}
