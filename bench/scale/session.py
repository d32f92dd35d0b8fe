"""One embedded Flink, warmed up, that gets one load after the other: a start for each point would take longer."""

import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from itertools import count

from bench.aggregator import DESIGN, Aggregator
from bench.bed import Bed, test_bed
from bench.console import Say
from bench.fast.figures import cpu_per_million, latency
from bench.generate import SECOND, RawTrace, Traffic
from bench.outputs import Growth, Outputs
from bench.preload import Feeder, preload
from bench.processes import JAVA, PYTHON
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
    """What comes in, to one topic of so many `partitions`.

    Without a group nothing but an ACK that names its message tells where a SEND lies: then ACKs do.
    """

    groups: int = 1
    partitions: int = 4

    @property
    def traces_per_message(self) -> int:
        """SEND and ACK, and two of each group."""
        return 2 + 2 * self.groups

    def traffic(self, messages: int, start: int, interval: int, number: int) -> Traffic:
        """Messages of this load; each number has a topic of its own, so that its offsets begin at 0."""
        topics, named_acks = (f"topic-{number}",), not self.groups
        return Traffic(messages, start, interval, self.groups, topics, self.partitions, number, named_acks)


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
        with ExitStack() as stack:
            growth = stack.enter_context(Growth(self.bed.servers, self.settings["aggregated.topic"]))
            outputs = growth.look()
            if outputs:  # else the warm-up is there to be read
                self.feed(Traffic(1, time.time_ns(), topics=("start",), seed=time.time_ns()).traces())
            run = stack.enter_context(Aggregator(DESIGN, self.settings, self._folder))
            run.wait_until_running()
            start_s = time.monotonic() - run.started
            run.wait_until(lambda: growth.look() > outputs, WITHIN_S)
            start = {"running after s": start_s, "first output after s": time.monotonic() - run.started}
            yield Running(self, run, growth, start)

    def feed(self, traces: Iterable[RawTrace]) -> None:
        """Writes all of them at once."""
        preload(self.bed.servers, self.settings["tracing.topic"], traces)


class Running:
    """The aggregator, at work."""

    def __init__(self, session: Session, run: Aggregator, growth: Growth, start: Row) -> None:
        self.start = start
        self._session = session
        self._run = run
        self._growth = growth
        self._numbers = count(round(time.time()))

    def wait_for(self, outputs: int) -> None:
        """Returns when so many records are there in all; raises TimeoutError when they do not come."""
        if not self._run.wait_until(lambda: self._growth.look() >= outputs, WITHIN_S):
            raise TimeoutError(f"{self._growth.look()} of {outputs} records after {WITHIN_S} s")

    def paced(self, load: Load, messages_per_s: float, seconds: float) -> Row:
        """The load at this rate: latency of all but COMMITs, CPU and memory, after a few seconds of settling."""
        session, tree = self._session, self._run.tree
        began, total = time.time_ns() + SECOND, SETTLE_S + seconds
        interval = round(SECOND / messages_per_s)
        traffic = load.traffic(round(messages_per_s * total), began, interval, next(self._numbers))
        servers, settings = session.bed.servers, session.settings
        with (
            Outputs(servers, [settings["aggregated.topic"]], from_now=True) as outputs,
            Feeder(servers, settings["tracing.topic"], traffic.traces()) as feeder,
        ):
            feeder.is_over(1 + SETTLE_S)
            before, since = tree.usage(), time.monotonic()
            feeder.is_over(WITHIN_S)
            after, passed = tree.usage(), time.monotonic() - since
            time.sleep(STRAGGLERS_S)
            delays = outputs.delays(began + SETTLE_S * SECOND, began + round(total * SECOND))
        session.messages += traffic.messages
        waited = latency(delay for kind, some in delays.items() if kind != COMMIT for delay in some)
        cpu, traces = after.since(before), messages_per_s * passed * load.traces_per_message
        return {
            "traces/s": messages_per_s * load.traces_per_message,
            **cpu_per_million(cpu, traces),
            "cores": sum(cpu.values()) / passed,
            "p50 s": waited["p50 s"],
            "p95 s": waited["p95 s"],
            "Java MB": after.memory_mb.get(JAVA, 0),
            "Python MB": after.memory_mb.get(PYTHON, 0),
        }

    def burst(self, load: Load, traces: int) -> Row:
        """So many traces at once: how fast they go through, and what it costs when there is always work."""
        tree, outputs = self._run.tree, self._growth.look()
        messages = traces // load.traces_per_message
        traffic = load.traffic(messages, time.time_ns(), Traffic.interval, next(self._numbers))
        records = list(traffic.traces())
        before = tree.usage()
        self._session.feed(records)
        self.wait_for(outputs + traffic.outputs)
        cpu = tree.usage().since(before)
        self._session.messages += messages
        early, late = (self._growth.reached(outputs + share * traffic.outputs) or 0.0 for share in (0.1, 0.95))
        return {"traces/s": 0.85 * traffic.outputs / (late - early), **cpu_per_million(cpu, traffic.outputs)}

    def checkpoint_mb(self) -> float:
        """What a checkpoint holds that was begun after this call."""
        rest, job = self._run.flink()
        asked, sizes = time.time() * 1000, list[float]()

        def look() -> bool:
            newest = rest.get(f"/jobs/{job}/checkpoints")["latest"]["completed"]
            if newest and newest["trigger_timestamp"] >= asked:
                sizes.append(newest["state_size"] / 1e6)
            return bool(sizes)

        if not self._run.wait_until(look, CHECKPOINT_S):
            raise TimeoutError(f"no checkpoint within {CHECKPOINT_S} s")
        return sizes[0]


@contextmanager
def session(warm_up: int, overrides: Mapping[str, str], say: Say) -> Iterator[Session]:
    """A session whose tracing topic holds `warm_up` traces."""
    traffic = Traffic(warm_up // Load().traces_per_message, time.time_ns() - 60 * SECOND, topics=("warm-up",))
    with test_bed(traffic, overrides, say) as bed:
        yield Session(bed)
