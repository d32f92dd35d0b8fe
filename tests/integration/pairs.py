"""A small pipeline for tests of the runner: joins the halves of a pair, whatever happens between them.

A record's key is the pair, its value one half. A pair leaves as `joined` once both are there, or as `alone` when
EXPIRY_S have passed. As a program: `python pairs.py key=value …` runs it on the settings given.
"""

import sys
from collections.abc import Iterator
from typing import Any

import apache_beam as beam
import click
from apache_beam.coders import BytesCoder
from apache_beam.transforms.timeutil import TimeDomain
from apache_beam.transforms.userstate import BagStateSpec, TimerSpec, on_timer
from apache_beam.transforms.window import TimestampedValue
from apache_beam.utils.timestamp import Timestamp

from pipeline.config.load import load_config
from runners import prism
from runners.flink import runner as flink
from runners.kafka_graph import kafka_graph
from transforms.input.record_batch import RecordBatch
from transforms.state.batches import Records

EXPIRY_S = 120


class JoinHalves(beam.DoFn):
    HALVES = BagStateSpec("halves", BytesCoder())
    EXPIRY = TimerSpec("expiry", TimeDomain.WATERMARK)

    def process(
        self,
        pair: tuple[str, bytes],
        timestamp: Any = beam.DoFn.TimestampParam,
        halves: Any = beam.DoFn.StateParam(HALVES),
        expiry: Any = beam.DoFn.TimerParam(EXPIRY),
    ) -> Iterator[tuple[bytes, bytes]]:
        key, half = pair
        known = set(halves.read())
        if half not in known:
            halves.add(half)
            expiry.set(Timestamp.of(timestamp) + EXPIRY_S)
            if known:
                yield key.encode(), b"joined"

    @on_timer(EXPIRY)
    def on_expiry(
        self, key: str = beam.DoFn.KeyParam, halves: Any = beam.DoFn.StateParam(HALVES)
    ) -> Iterator[tuple[bytes, bytes]]:
        if len(set(halves.read())) == 1:
            yield key.encode(), b"alone"
        halves.clear()


def halves_of(batch: RecordBatch) -> Iterator[Any]:
    """Each with the time of its record."""
    for record in batch.records():
        yield TimestampedValue((record.key.decode(), record.value), record.timestamp / 1000)


def _alone(pair: tuple[bytes, bytes]) -> Records:
    return Records([pair])


def run(arguments: list[str]) -> int:
    config = load_config(None, {}, arguments)
    runner = prism if config.settings.runner == "prism" else flink

    def between(pipeline: beam.Pipeline, source: Any, sink: Any, settings: Any) -> None:
        (
            source.read(pipeline).traces
            | "SplitRecords" >> beam.FlatMap(halves_of).with_output_types(tuple[str, bytes])
            | "JoinHalves" >> beam.ParDo(JoinHalves()).with_output_types(tuple[bytes, bytes])
            | "GatherPairs" >> beam.Map(_alone).with_output_types(Records)
            | "WritePairs" >> sink(settings.aggregated_topic)
        )

    def tell(line: str) -> None:
        click.echo(line, err=True)

    return runner.run(config, tell, build=kafka_graph(config, tell, commits_offsets=runner is flink, between=between))


if __name__ == "__main__":
    import pairs  # by its name, so that workers find what is pickled

    sys.exit(pairs.run(sys.argv[1:]))
