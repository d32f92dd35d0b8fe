"""Curves of embedded Flink: cost and latency of live traffic, cost of full load, and how long a start takes."""

from collections.abc import Callable, Iterator
from typing import NamedTuple

from bench.report import machine
from bench.scale.flink_session import Load, session
from tracing_aggregator.sizing.curves import Curve

Say = Callable[[str], None]
Measured = Iterator[tuple[str, Curve]]

PARTITIONS = (1, 4, 16, 64)
GROUPS = (0, 1, 2, 4, 8)
RATES = (50, 200, 800, 2000, 4000)
#: Of all messages, those in the first of four partitions.
SHARES = (0.25, 0.5, 0.8, 0.95)
#: Messages/s while partitions and groups are varied.
CALM = 200
#: COMMITs are kept back on purpose; in a burst that would be measured with the rest.
BURSTS = {"commit.reorder.ms": "200", "hold.commit.ms": "1000"}


class Extent(NamedTuple):
    """How much is measured: traces of the warm-up and of a burst, seconds at a rate."""

    warm_up: int = 150_000
    burst: int = 80_000
    seconds: float = 10
    quick: bool = False

    def of(self, values: tuple[float, ...]) -> tuple[float, ...]:
        """All of the values, or when it must be quick the first two."""
        return values[:2] if self.quick else values


def rates(extent: Extent, say: Say) -> Measured:
    """Latency and CPU over the rate; then starts with more and more to resume from."""
    starts, live = [], []
    with session(extent.warm_up, {}, say) as place:
        with place.run() as run:
            run.wait_for(place.bed.traffic.outputs)
            starts.append({"messages": 0, "checkpoint MB": 0, "bytes per message": 0, **run.start})
            for rate in extent.of(RATES):
                say(f"{rate} traces/s …")
                live.append(run.paced(Load(), rate / 4, extent.seconds))
            size = run.checkpoint_mb()
        yield "flink-rate", Curve("Embedded Flink, live, over the rate", "traces/s", live, machine())
        for traces in (3 * extent.burst, 0):
            say(f"A start with {place.messages} messages …")
            kept = {"messages": place.messages, "checkpoint MB": size, "bytes per message": size * 1e6 / place.messages}
            with place.run() as run:
                starts.append({**kept, **run.start})
                if traces:
                    run.burst(Load(), traces)
                    size = run.checkpoint_mb()
    yield "flink-start", Curve("Embedded Flink, its start over what is remembered", "messages", starts, machine())


def shapes(extent: Extent, say: Say) -> Measured:
    """Latency and CPU over partitions and groups at the same number of messages."""
    partitions, groups, title = [], [], f"Embedded Flink, live, {CALM} messages/s, over"
    with session(extent.warm_up, {}, say) as place, place.run() as run:
        run.wait_for(place.bed.traffic.outputs)
        for number in extent.of(PARTITIONS):
            say(f"{number} partitions …")
            load = Load(partitions=int(number))
            partitions.append({"partitions": number, **run.paced(load, CALM, extent.seconds)})
        yield "flink-partitions", Curve(f"{title} partitions", "partitions", partitions, machine())
        for number in extent.of(GROUPS):
            say(f"{number} groups …")
            groups.append({"groups": number, **run.paced(Load(groups=int(number)), CALM, extent.seconds)})
    yield "flink-groups", Curve(f"{title} groups", "groups", groups, machine())


def bursts(extent: Extent, say: Say) -> Measured:
    """What goes through when there is always work, over partitions, groups and skew."""

    def measured(name: str, values: tuple[float, ...], load: Callable[[float], Load]) -> Curve:
        rows = []
        for value in extent.of(values):
            say(f"A burst of {extent.burst} traces, {name} {value:g} …")
            rows.append({name: value, **run.burst(load(value), extent.burst)})
        return Curve(f"Embedded Flink, full load, over {name}", name, rows, machine())

    # full load is what compiled Java does: a longer warm-up than elsewhere
    with session(3 * extent.warm_up, BURSTS, say) as place, place.run() as run:
        run.wait_for(place.bed.traffic.outputs)
        yield "burst-partitions", measured("partitions", PARTITIONS, lambda number: Load(partitions=int(number)))
        yield "burst-skew", measured("share of one partition", SHARES, skewed)
        yield "burst-groups", measured("groups", GROUPS, lambda number: Load(groups=int(number)))


def skewed(share: float) -> Load:
    """The first of four partitions has this share, the others the rest."""
    return Load(shares=(share, *[(1 - share) / 3] * 3))
