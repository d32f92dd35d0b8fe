"""Curves of `replay`: the whole pipeline over a file in one Python process, without Kafka and without Java."""

from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

from bench.generate import SECOND, Traffic
from bench.replay import replay
from bench.report import machine
from tracing_aggregator.sizing.curves import Curve, Row

START = 1_795_359_300 * SECOND
GROUPS = (0, 1, 2, 4, 8)
PARTITIONS = (1, 4, 16, 64)
TRACES = (25_000, 50_000, 100_000, 200_000)
USUAL = 60_000
WITHIN_S = 240


def replay_curves(*, quick: bool, say: Callable[[str], None]) -> Iterator[tuple[str, Curve]]:
    """All of them. Every message of a file is open until its end."""

    def over(name: str, values: tuple[int, ...], traffic: Callable[[int], Traffic]) -> list[Row]:
        say(f"replay over {name} …")
        return [{name: value, **_measured(traffic(value))} for value in (values[:2] if quick else values)]

    def one_topic(traces: int, groups: int = 1, partitions: int = 4) -> Traffic:
        messages = traces // (100 if quick else 1) // (2 + 2 * groups)
        return Traffic(messages, START, groups=groups, topics=("orders",), partitions=partitions, named_acks=not groups)

    rows = over("groups", GROUPS, lambda groups: one_topic(USUAL, groups))
    yield "replay-groups", Curve(f"`replay`, {USUAL} traces, over groups", "groups", rows, machine())
    rows = over("partitions", PARTITIONS, lambda partitions: one_topic(USUAL, 1, partitions))
    yield "replay-partitions", Curve(f"`replay`, {USUAL} traces, over partitions", "partitions", rows, machine())
    rows = over("traces", TRACES, one_topic)
    yield "replay-traces", Curve("`replay` over the traces that are open at once", "traces", rows, machine())


def _measured(traffic: Traffic) -> Row:
    with TemporaryDirectory(prefix="tracing-aggregator-scale-") as folder:
        row = replay(Path(folder), traffic, WITHIN_S, lambda _: None)
    done = row.throughput
    if done is None:
        raise RuntimeError(row.failure)
    return {
        "traces/s": done.per_s,
        "traces/s without the start": done.warm_per_s or 0,
        "CPU s per million": sum(done.cpu_s_per_million.values()),
        "peak MB": sum(row.peak_mb.values()),
        "kB per trace": done.kb_per_trace or 0,
        "start s": row.start_s or 0,
    }
