"""`python -m bench.limits`: what the parts of the path cost at least on this machine. See docs/performance.md.

Each is CPU time of one process, the fastest of several rounds, in microseconds for one trace (or bundle, or request).
"""

import logging
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import click
import orjson
from apache_beam.coders import BytesCoder, TupleCoder, WindowedValueCoder
from apache_beam.transforms.window import GlobalWindow, GlobalWindows
from apache_beam.utils.windowed_value import WindowedValue

from bench.core_alone import CoreAlone, parsed
from bench.generate import MS, SECOND, Traffic
from bench.marks import Marks
from bench.report import machine
from transforms.input.dates import nanos_of
from transforms.input.records import KafkaRecord
from transforms.input.router import Router
from transforms.input.traces import Trace
from transforms.state.aggregated import AggregatedTrace, record
from transforms.state.collector import calm_collector

DOCUMENT = Path(__file__).resolve().parent.parent / "docs" / "performance.md"
MARKS = Marks("limits", "python -m bench.limits --write-docs")
ROUNDS = 7
TRACES_PER_MESSAGE = 4
#: Traces of a bundle where packing is measured: what two workers get in 100 ms at 10,000 a second.
BUNDLE = 500
MICROS = 1e6
JOIN_S = 5


class Cost(NamedTuple):
    """What something costs: microseconds of CPU for each `unit`."""

    name: str
    micros: float
    unit: str = "trace"


def fastest(work: Callable[[], Any], count: int, rounds: int = ROUNDS) -> float:
    """Microseconds of CPU of this process for each of the `count` things that `work` does."""
    times = []
    for _ in range(rounds):
        began = time.process_time()
        work()
        times.append(time.process_time() - began)
    return min(times) * MICROS / count


def per_second(micros: float, cores: int = 1) -> int:
    """How many a second that is at most, if nothing else is done."""
    return int(cores * MICROS / micros)


def records(traces: int) -> list[KafkaRecord]:
    """Raw traces as they lie in a tracing topic."""
    traffic = Traffic(traces // TRACES_PER_MESSAGE, 1_800_000_000 * SECOND)
    return [
        KafkaRecord("_tracing", number % 4, number // 4, raw.date // MS, raw.key, raw.value)
        for number, raw in enumerate(traffic.traces())
    ]


def in_process(raw: Sequence[KafkaRecord]) -> list[Cost]:
    """Parsing, encoding, packing and Beam's coders, each alone in a loop."""
    count = len(raw)
    parsed = _parse(raw)
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
        cost("read its date", lambda: [nanos_of(trace.date) for trace in parsed]),
        cost("parse: both, and every field checked", lambda: _parse(raw)),
        cost("pack it for the views", lambda: _pack(parsed)),
        cost("write its JSON (`orjson.dumps`)", lambda: [orjson.dumps(one) for one in documents]),
        cost("write an aggregated trace, key and value", lambda: _write(parsed)),
        Cost("the whole join, without Beam", fastest(lambda: _join(raw), count, rounds=3)),
        cost("Beam's coder: write an element", lambda: [element.encode(one) for one in values]),
        cost("Beam's coder: read an element", lambda: [element.decode(one) for one in bytes_of]),
    ]


def _parse(raw: Sequence[KafkaRecord]) -> list[Trace]:
    bundles = (parsed(raw[start : start + BUNDLE]) for start in range(0, len(raw), BUNDLE))
    return [trace for bundle in bundles for trace in bundle]


def _pack(traces: Sequence[Trace]) -> None:
    for start in range(0, len(traces), BUNDLE):
        router = Router(64, 1024)
        router.add(traces[start : start + BUNDLE])
        list(router.packs())


def _join(raw: Sequence[KafkaRecord]) -> None:
    core = CoreAlone()
    core.run(raw, BUNDLE)
    if core.aggregated != len(raw):
        raise AssertionError(f"{core.aggregated} aggregated traces of {len(raw)}")


def _write(traces: Sequence[Trace]) -> None:
    for one in traces:
        record(
            AggregatedTrace(
                one.id, one.date, one.type, one.topic, 3, 4_000_000, one.correlation_id, one.client_id, "group", 7
            )
        )  # fmt: skip


def state_request(requests: int) -> Cost:
    """An append to a bag of state by Beam's own client over gRPC, and its answer; the other side is another process.

    In groups of 50, as `transforms/state/beam_state.py` sends those of one bundle.
    """
    import grpc  # type: ignore[import-untyped]
    from apache_beam.portability.api import beam_fn_api_pb2, beam_fn_api_pb2_grpc
    from apache_beam.runners.worker.sdk_worker import GrpcStateHandler

    with subprocess.Popen([sys.executable, "-m", "bench.state_echo"], stdout=subprocess.PIPE) as echo:
        assert echo.stdout is not None  # noqa: S101  it is a pipe
        port = int(echo.stdout.readline())
        handler = GrpcStateHandler(beam_fn_api_pb2_grpc.BeamFnStateStub(grpc.insecure_channel(f"localhost:{port}")))
        bag = beam_fn_api_pb2.StateKey.BagUserState(transform_id="step", user_state_id="journal", key=b"key")
        key, pack = beam_fn_api_pb2.StateKey(bag_user_state=bag), bytes(2000)

        def append() -> None:
            for _ in range(requests // 50):
                for answer in [handler.append_raw(key, pack) for _ in range(50)]:
                    answer.get()

        with handler.process_instruction_id("bundle"):
            micros = fastest(append, requests)
        handler.done()
        for thread in threading.enumerate():
            if thread.name == "read_state":
                thread.join(JOIN_S)
        echo.kill()
    return Cost("append to the state of a key, by gRPC", micros, "request")


def markdown(costs: Sequence[Cost]) -> str:
    """A table."""
    lines = ["| what | µs of CPU | at most, by one core |\n", "| --- | ---: | ---: |\n"]
    for name, micros, unit in costs:
        lines.append(f"| {name} | {micros:.2f} | {per_second(micros):,} {unit}s/s |\n")
    return "".join(lines)


@click.command(context_settings={"help_option_names": ["-h", "--help"], "show_default": True})
@click.option("--traces", type=click.IntRange(min=100), default=40_000, help="Raw traces to measure with.")
@click.option("--write-docs", is_flag=True, help="Write the table into docs/performance.md.")
def main(traces: int, *, write_docs: bool) -> None:
    """What the parts of the path cost at least on this machine."""
    logging.getLogger().setLevel(logging.ERROR)
    calm_collector()  # as the workers do
    costs = [*in_process(records(traces)), state_request(5_000)]
    click.echo(markdown(costs))
    if write_docs:
        MARKS.write(DOCUMENT, f"Measured on: {machine()}.\n\n{markdown(costs)}")


if __name__ == "__main__":
    main()
