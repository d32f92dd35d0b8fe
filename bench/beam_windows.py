"""`python -m bench.beam_windows`: the statistics step as Beam windows, triggers and a CombineFn, beside KeepStats.

Both take the same tallies, as blocks tell them, and write the same records. See docs/adr/0007-statistics-step.md.
"""

import logging
import statistics
import time
from collections.abc import Callable, Iterable, Iterator
from random import Random
from typing import Any, NamedTuple

import apache_beam as beam
import click
import orjson
from apache_beam import coders
from apache_beam.options.pipeline_options import PipelineOptions, StandardOptions
from apache_beam.runners.direct.direct_runner import BundleBasedDirectRunner
from apache_beam.runners.portability.fn_api_runner import FnApiRunner
from apache_beam.testing import test_stream
from apache_beam.transforms import trigger, window
from apache_beam.transforms.timeutil import TimeDomain
from apache_beam.transforms.userstate import ReadModifyWriteStateSpec, TimerSpec, on_timer
from apache_beam.utils.timestamp import Timestamp
from msgspec import msgpack

from transforms.input.dates import NANOS_PER_MILLI, nanos_of
from transforms.input.json_bytes import dump
from transforms.input.records import KeyValue
from transforms.state.addresses import window_key
from transforms.state.packs import KeyedPack, MergePacks, pack_of
from transforms.state.waits import Waits
from transforms.stats.keep_stats import KeepStats
from transforms.stats.stats_facts import (
    BlockPlace,
    GroupTallied,
    GroupTally,
    Source,
    TopicTallied,
    TopicTally,
    WindowFact,
)
from transforms.stats.stats_view import StatsView
from transforms.stats.stats_window import WindowStats

START = 1_795_359_240_000
MINUTE = 60_000
PARTITIONS = 4
BLOCK = 1024
WAITS = Waits()
SETTLED = WAITS.retention + WAITS.trim_interval + 2 * MINUTE

_decode = msgpack.Decoder(list[WindowFact]).decode
Build = Callable[[beam.PCollection[KeyedPack]], beam.PCollection[KeyValue]]


class Bundle(NamedTuple):
    """What the blocks tell in one bundle: its time (ms) and its packs."""

    time: int
    packs: list[KeyedPack]


def bundles(count: int, messages: int, every: int) -> Iterator[Bundle]:
    """Bundles of the newest block of each partition; each adds `messages` to it, and `every` ms pass."""
    random = Random(7)  # noqa: S311  repeatable
    offsets = [0] * PARTITIONS
    tallies: dict[tuple[int, BlockPlace], tuple[TopicTally, GroupTally]] = {}
    for number in range(count):
        now = START + number * every
        start = now // MINUTE * MINUTE
        facts: list[WindowFact] = []
        for partition in range(PARTITIONS):
            low = offsets[partition]
            place = BlockPlace(partition, low // BLOCK)
            empty = TopicTally(span=(low, low - 1)), GroupTally(commits_seen=1)
            of_topic, of_group = tallies.setdefault((start, place), empty)
            for _ in range(messages):
                for sketch in (of_topic.ack, of_group.consume, of_group.commit):
                    sketch.add(int(random.lognormvariate(3.5, 1)))
            offsets[partition] += messages
            done = of_topic.produced + messages
            of_topic.produced = of_topic.sent = of_topic.acked = of_topic.traced = done
            of_group.expected = of_group.actual = done
            of_topic.span = low - (done - messages), low + messages - 1
            facts.append(TopicTallied(place, of_topic, now, number))
            facts.append(GroupTallied(place, "group", of_group, now, number))
        yield Bundle(now, [(window_key("topic", start), pack_of(facts))])


def by_nothing(packs: beam.PCollection[KeyedPack]) -> beam.PCollection[KeyValue]:
    """What the runner costs by itself."""
    return packs | "Pass" >> beam.Map(_same).with_output_types(KeyValue)


def by_views(packs: beam.PCollection[KeyedPack]) -> beam.PCollection[KeyValue]:
    """The step that we use."""
    end = packs.pipeline | "End" >> beam.Create([2**62])
    return (packs,) | MergePacks(end) | KeepStats(WAITS, bounded=True) | beam.FlatMap(_same).with_output_types(KeyValue)


def by_views_streaming(packs: beam.PCollection[KeyedPack]) -> beam.PCollection[KeyValue]:
    """The same, writing whenever something changes."""
    return packs | KeepStats(WAITS) | beam.FlatMap(_same).with_output_types(KeyValue)


def by_windows(packs: beam.PCollection[KeyedPack]) -> beam.PCollection[KeyValue]:
    """Beam's windows, one pane each: FnApiRunner has no clock for the triggers of `by_panes` and fails."""
    return _windowed(packs, beam.WindowInto(window.FixedWindows(MINUTE // 1000)))


def by_panes(packs: beam.PCollection[KeyedPack]) -> beam.PCollection[KeyValue]:
    """Beam's windows, with early and late panes after a second each, accumulating."""
    pane = trigger.AfterProcessingTime(1)
    minutes = beam.WindowInto(
        window.FixedWindows(MINUTE // 1000),
        trigger=trigger.AfterWatermark(early=pane, late=pane),
        accumulation_mode=trigger.AccumulationMode.ACCUMULATING,
        allowed_lateness=SETTLED // 1000,
    )
    return _windowed(packs, minutes)


def _windowed(packs: beam.PCollection[KeyedPack], minutes: beam.PTransform) -> beam.PCollection[KeyValue]:
    """The records of each pane; `final` by a stateful step, since panes do not say it."""
    placed = packs | "Place" >> beam.ParDo(_Place()).with_output_types(tuple[bytes, Any])
    panes = placed | "Window" >> minutes | "Combine" >> beam.CombinePerKey(_Latest())
    records = panes | "Format" >> beam.FlatMap(_records).with_output_types(KeyValue)
    unwindowed = records | "Unwindow" >> beam.WindowInto(window.GlobalWindows())
    typed = unwindowed | "Type" >> beam.Map(_same).with_input_types(KeyValue).with_output_types(KeyValue)
    return typed | "Finish" >> beam.ParDo(_Finish()).with_output_types(KeyValue)


class _Place(beam.DoFn):
    """Facts by topic, at the time of their window."""

    def process(self, pack: KeyedPack) -> Iterator[Any]:
        _, _, start = orjson.loads(pack[0])
        for fact in _decode(pack[1]):
            yield window.TimestampedValue((pack[0], fact), start / 1000)


class _Latest(beam.CombineFn):
    """The newest fact of each source: tallies replace each other, so sums alone would not do."""

    def create_accumulator(self) -> dict[Source, WindowFact]:
        return {}

    def add_input(self, known: dict[Source, WindowFact], fact: WindowFact) -> dict[Source, WindowFact]:
        newest = known.get(fact.source)
        if newest is None or newest.sequence <= fact.sequence:
            known[fact.source] = fact
        return known

    def merge_accumulators(self, accumulators: Iterable[dict[Source, WindowFact]]) -> dict[Source, WindowFact]:
        merged: dict[Source, WindowFact] = {}
        for accumulator in accumulators:
            for fact in accumulator.values():
                self.add_input(merged, fact)
        return merged

    def extract_output(self, known: dict[Source, WindowFact]) -> list[WindowFact]:
        return list(known.values())


def _records(pane: tuple[bytes, list[WindowFact]]) -> Iterator[KeyValue]:
    _, topic, start = orjson.loads(pane[0])
    stats = WindowStats(topic, start)
    for fact in pane[1]:
        stats.take(fact)
    for subject in stats.subjects():
        key = stats.key(subject)
        yield dump(key), dump({"kind": subject[0], **key, **stats.facts_of(subject)})


def _same(given: Any) -> Any:
    return given


class _Finish(beam.DoFn):
    """Passes panes on, and writes the last one of a window again when nothing can change it."""

    LAST = ReadModifyWriteStateSpec("last", coders.BytesCoder())
    SETTLE = TimerSpec("settle", TimeDomain.WATERMARK)

    def process(
        self,
        record: KeyValue,
        last: Any = beam.DoFn.StateParam(LAST),
        settle: Any = beam.DoFn.TimerParam(SETTLE),
    ) -> Iterator[KeyValue]:
        if last.read() is None:
            start = nanos_of(orjson.loads(record[0])["windowStart"]) // NANOS_PER_MILLI
            settle.set(Timestamp((start + MINUTE + SETTLED) / 1000))
        last.write(record[1])
        yield record

    @on_timer(SETTLE)
    def on_settle(self, key: bytes = beam.DoFn.KeyParam, last: Any = beam.DoFn.StateParam(LAST)) -> Iterator[KeyValue]:
        yield key, dump({**orjson.loads(last.read()), "final": True})
        last.clear()


class _Collect(beam.DoFn):
    """Keeps what is written, in this process."""

    written: list[KeyValue] = []  # noqa: RUF012  shared on purpose: runners copy the object

    def process(self, record: KeyValue) -> None:
        self.written.append(record)


def run(build: Build, given: list[Bundle], *, streaming: bool) -> tuple[float, list[KeyValue]]:
    """CPU seconds of this process, and all records.

    Bounded input is one bundle on FnApiRunner. A stream, on the direct runner, gets one bundle after the other, and the
    watermark and the clock go with them.
    """
    _Collect.written.clear()
    options = PipelineOptions([])
    options.view_as(StandardOptions).streaming = streaming
    source: beam.PTransform = beam.Create([pack for bundle in given for pack in bundle.packs], reshuffle=False)
    if streaming:
        stream = test_stream.TestStream().advance_watermark_to(Timestamp(START / 1000 - 1))
        for bundle in given:
            stream = stream.advance_watermark_to(Timestamp(bundle.time / 1000))
            stream = stream.add_elements([window.TimestampedValue(pack, bundle.time / 1000) for pack in bundle.packs])
            stream = stream.advance_processing_time((given[1].time - given[0].time) / 1000)
        source = stream.advance_watermark_to_infinity()
    pipeline = beam.Pipeline(runner=BundleBasedDirectRunner() if streaming else FnApiRunner(), options=options)
    packs = pipeline | source | beam.Map(_same).with_input_types(KeyedPack).with_output_types(KeyedPack)
    _ = build(packs) | "Collect" >> beam.ParDo(_Collect())
    began = time.process_time()
    pipeline.run().wait_until_finish()
    return time.process_time() - began, list(_Collect.written)


def work_of_views(given: list[Bundle]) -> int:
    """Our part of the step without a runner: views in memory, as a state cache keeps them; how many records."""
    views: dict[bytes, StatsView] = {}
    records = 0
    for bundle in given:
        for key, pack in bundle.packs:
            view = views.setdefault(key, StatsView(key, WAITS))
            records += len(view.on_facts(view.decode(pack)).records)
    return records


def work_of_panes(given: list[Bundle]) -> int:
    """The same of Beam's windows: accumulators in memory, a pane for each second."""
    combine = _Latest()
    accumulators: dict[bytes, dict[Source, WindowFact]] = {}
    records, fired = 0, 0
    for bundle in given:
        for key, pack in bundle.packs:
            known = accumulators.setdefault(key, combine.create_accumulator())
            for fact in _decode(pack):
                combine.add_input(known, fact)
            if bundle.time >= fired + 1000:
                fired = bundle.time
                records += sum(1 for _ in _records((key, combine.extract_output(known))))
    return records


@click.command()
@click.option("--count", default=800, show_default=True, help="Bundles, one each 100 ms.")
@click.option("--messages", default=20, show_default=True, help="Messages per partition and bundle.")
@click.option("--times", default=3, show_default=True, help="Runs of each; the median is shown.")
def main(count: int, messages: int, times: int) -> None:
    """Measure both on the same tallies."""
    logging.getLogger().setLevel(logging.ERROR)
    given = list(bundles(count, messages, every=100))
    click.echo(f"{count * PARTITIONS * messages:,} messages, {count * PARTITIONS * 2:,} tallies, {count:,} bundles")
    for title, streaming, steps in (
        ("bounded", False, {"neither": by_nothing, "keyed view": by_views, "Beam windows": by_windows}),
        ("stream", True, {"neither": by_nothing, "keyed view": by_views_streaming, "Beam windows": by_panes}),
    ):
        for name, build in steps.items():
            results = [run(build, given, streaming=streaming) for _ in range(times)]
            seconds = statistics.median(seconds for seconds, _ in results)
            click.echo(f"{title:8} {name:13} {seconds:7.2f} s CPU, {len(results[0][1]):6,} records")
    for name, work in (("keyed view", work_of_views), ("Beam windows", work_of_panes)):
        began = time.process_time()
        counts = [work(given) for _ in range(times)]
        click.echo(f"alone    {name:13} {(time.process_time() - began) / times:7.2f} s CPU, {counts[0]:6,} records")


if __name__ == "__main__":
    main()
