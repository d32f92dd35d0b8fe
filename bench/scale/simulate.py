"""A discrete simulation of skewed partitions and lagging groups: which worker is full first, and what it makes of it.

Traces lie in the tracing topic in the order in which they were written. In each step the source reads on as long as no
worker has more than `buffer_s` of work waiting: one full worker holds all others up, as Flink's network does. Of a
trace's work most may be done by any worker, some (`bound`) by the one that has the block of its offset, and some
(`fixed`) by the one that has its partition: it brings commits into order.
Pure: time is counted in steps, and where a block lies is drawn with `seed`.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from hashlib import blake2b
from typing import Any

import numpy as np

#: What is said of a partition as a whole.
_NO_BLOCK = -1


@dataclass(frozen=True)
class Case:
    """What comes, and what there is to work on it.

    `shares` of the partitions (weights), `lags_s` of each group, `traces_per_s` that one worker can do, `bound` the
    part of its work that is tied to blocks, `fixed` that which is tied to partitions (of all groups to one worker).
    `step_s` is what is read at once: a bundle.
    """

    messages_per_s: float
    shares: Sequence[float]
    workers: int
    traces_per_s: float
    bound: float
    fixed: float = 0
    lags_s: Sequence[float] = (0.0,)
    seconds: float = 60
    step_s: float = 0.1
    buffer_s: float = 0.2
    block_size: int = 1024
    seed: int = 1

    @cached_property
    def rates(self) -> list[float]:
        """Messages/s of each partition."""
        whole = sum(self.shares)
        return [self.messages_per_s * share / whole for share in self.shares]


@dataclass
class Outcome:
    """After `seconds`: traces written to the topic, read from it, and done by each worker; the rest waits.

    `busy` is the part of its time that each worker worked; `latency_s` what a trace that is written now has to wait.
    `backlog` holds the traces that wait, in the topic and before workers, after each second.
    """

    written: float
    read: float
    done: list[float]
    busy: list[float]
    latency_s: float
    backlog: list[float] = field(default_factory=list)

    @property
    def first(self) -> int:
        """The worker with the most work."""
        return max(range(len(self.busy)), key=self.busy.__getitem__)

    @property
    def share_of_busiest(self) -> float:
        """Its part of all that was done."""
        return max(self.done) / max(sum(self.done), 1e-9)


def zipf(partitions: int, exponent: float) -> list[float]:
    """Shares of partitions, the first the largest; exponent 0: all alike."""
    weights = [1 / rank**exponent for rank in range(1, partitions + 1)]
    return [weight / sum(weights) for weight in weights]


def simulate(case: Case) -> Outcome:
    """Run it."""
    queued, done, busy = np.zeros(case.workers), np.zeros(case.workers), np.zeros(case.workers)
    room, spare = case.traces_per_s * case.step_s, case.traces_per_s * case.buffer_s
    steps, slices_read, written, read = round(case.seconds / case.step_s), 0, 0.0, 0.0
    backlog = []
    for step in range(steps):
        written += _traces(case, step)
        while slices_read <= step and queued.max() - room <= spare:
            arrived = _work(case, slices_read)
            queued += arrived
            read += float(arrived.sum())
            slices_read += 1
        worked = np.minimum(queued, room)
        queued -= worked
        done += worked
        busy += worked / room / steps
        if (step + 1) % max(1, round(1 / case.step_s)) == 0:
            backlog.append(max(0.0, written - float(done.sum())))
    latency = (steps - slices_read) * case.step_s + float(queued.max()) / case.traces_per_s
    return Outcome(written, read, done.tolist(), busy.tolist(), latency, backlog)


def _spans(case: Case, number: int) -> list[tuple[float, float]]:
    """What one step brings, as seconds of the log: of SENDs and ACKs the newest, of groups that lag earlier ones."""
    begin, end = number * case.step_s, (number + 1) * case.step_s
    spans = ((max(0.0, begin - lag), max(0.0, end - lag)) for lag in (0.0, *case.lags_s))
    return [(first, last) for first, last in spans if last > first]


def _traces(case: Case, number: int) -> float:
    """How many one step brings."""
    return sum(2 * case.messages_per_s * (last - first) for first, last in _spans(case, number))


def _work(case: Case, number: int) -> Any:
    """The traces of a step, by worker."""
    anywhere = 1 - case.bound - case.fixed
    work = [_traces(case, number) * anywhere / case.workers] * case.workers
    size = case.block_size
    for first_s, last_s in _spans(case, number):
        for partition, rate in enumerate(case.rates):
            first, last = rate * first_s, rate * last_s
            work[_worker(case.seed, partition, _NO_BLOCK, case.workers)] += 2 * case.fixed * (last - first)
            for block in range(int(first // size), int(last // size) + 1):
                offsets = min(last, (block + 1) * size) - max(first, block * size)
                work[_worker(case.seed, partition, block, case.workers)] += 2 * case.bound * offsets
    return np.array(work)


@lru_cache(maxsize=65536)
def _worker(seed: int, partition: int, block: int, workers: int) -> int:
    digest = blake2b(b"%d/%d/%d" % (seed, partition, block), digest_size=8).digest()
    return int.from_bytes(digest) % workers


def is_joined(retention_s: float, lag_s: float) -> bool:
    """Whether the CONSUME of a group that lags so much still finds its SEND."""
    return lag_s < retention_s
