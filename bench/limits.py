"""`python -m bench.limits`: what the parts of the path cost at least on this machine. See docs/performance.md.

Each is CPU time of one process, the fastest of several rounds, in microseconds for one trace.
"""

import time
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import click
import orjson
from apache_beam.coders import BytesCoder, TupleCoder, WindowedValueCoder
from apache_beam.transforms.window import GlobalWindow, GlobalWindows
from apache_beam.utils.windowed_value import WindowedValue

from bench.console import command, console
from bench.core_alone import CoreAlone, parsed
from bench.documents import DOCUMENTS, Marks, machine
from bench.generate import MS, SECOND, Traffic
from tracing_aggregator.sizing.tables import grid
from transforms.input.dates import nanos_of
from transforms.input.records import KafkaRecord
from transforms.input.traces import Trace
from transforms.state.collector import calm_collector

MARKS = Marks("limits", "python -m bench.limits --write-docs")
ROUNDS = 7
TRACES_PER_MESSAGE = 4
#: Traces of a bundle: what two workers get in 100 ms at 10,000 a second.
BUNDLE = 500
MICROS = 1e6


class Cost(NamedTuple):
    """What something costs: microseconds of CPU for each trace."""

    name: str
    micros: float


def fastest(work: Callable[[], Any], count: int, rounds: int = ROUNDS) -> float:
    """Microseconds of CPU of this process for each of the `count` things that `work` does."""
    times = []
    for _ in range(rounds):
        began = time.process_time()
        work()
        times.append(time.process_time() - began)
    return min(times) * MICROS / count


def per_second(micros: float) -> int:
    """How many a second one core could do at most, if it did nothing else."""
    return int(MICROS / micros)


def records(traces: int) -> list[KafkaRecord]:
    """Raw traces as they lie in a tracing topic."""
    traffic = Traffic(traces // TRACES_PER_MESSAGE, 1_800_000_000 * SECOND)
    return [
        KafkaRecord("_tracing", number % 4, number // 4, raw.date // MS, raw.key, raw.value)
        for number, raw in enumerate(traffic.traces())
    ]


def in_process(raw: Sequence[KafkaRecord]) -> list[Cost]:
    """Parsing, encoding, the join and Beam's coders, each alone in a loop."""
    count = len(raw)
    traces = _parse(raw)
    documents = [orjson.loads(record.value or b"") for record in raw]
    encoded = [orjson.dumps(document) for document in documents]
    pair = TupleCoder([BytesCoder(), BytesCoder()])
    element = WindowedValueCoder(pair, GlobalWindows().get_window_coder()).get_impl()
    pairs = zip((record.key for record in raw), encoded, strict=True)
    values = [WindowedValue(key_value, 0, (GlobalWindow(),)) for key_value in pairs]
    bytes_of = [element.encode(value) for value in values]

    def cost(name: str, work: Callable[[], Any]) -> Cost:
        return Cost(name, fastest(work, count))

    return [
        cost("read its JSON (`orjson.loads`)", lambda: [orjson.loads(one.value or b"") for one in raw]),
        cost("read its date", lambda: [nanos_of(trace.date) for trace in traces]),
        cost("parse: both, and every field checked", lambda: _parse(raw)),
        cost("write its JSON (`orjson.dumps`)", lambda: [orjson.dumps(one) for one in documents]),
        Cost("the whole join, without Beam", fastest(lambda: _join(raw), count, rounds=3)),
        cost("Beam's coder: write an element", lambda: [element.encode(one) for one in values]),
        cost("Beam's coder: read an element", lambda: [element.decode(one) for one in bytes_of]),
    ]


def _parse(raw: Sequence[KafkaRecord]) -> list[Trace]:
    bundles = (parsed(raw[start : start + BUNDLE]) for start in range(0, len(raw), BUNDLE))
    return [trace for bundle in bundles for trace in bundle]


def _join(raw: Sequence[KafkaRecord]) -> None:
    core = CoreAlone()
    core.run(raw, BUNDLE)
    if core.aggregated != len(raw):
        raise AssertionError(f"{core.aggregated} aggregated traces of {len(raw)}")


def markdown(costs: Sequence[Cost]) -> str:
    """A table."""
    lines = [(cost.name, f"{cost.micros:.2f}", f"{per_second(cost.micros):,} traces/s") for cost in costs]
    return grid(("what", "µs of CPU", "at most, by one core"), lines)


@command
@click.option("--traces", type=click.IntRange(min=100), default=40_000, help="Raw traces to measure with.")
@click.option("--write-docs", is_flag=True, help="Write the table into docs/performance.md.")
def main(traces: int, *, write_docs: bool) -> None:
    """What the parts of the path cost at least on this machine."""
    console()
    calm_collector()  # as the workers do
    costs = in_process(records(traces))
    click.echo(markdown(costs))
    if write_docs:
        MARKS.write(DOCUMENTS / "performance.md", f"Measured on: {machine()}.\n\n{markdown(costs)}")


if __name__ == "__main__":
    main()
