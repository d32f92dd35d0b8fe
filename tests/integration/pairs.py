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
from apache_beam.utils.timestamp import Timestamp
from pipeline.kafka_sinks import WriteTopic
from pipeline.kafka_sources import KafkaSource

from pipeline.config import load_config
from runners import flink, prism
from runners.reads import Reads

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


def halves_of(record: Any) -> Iterator[tuple[str, bytes]]:
    if record.value is not None:  # a heartbeat
        yield record.key.decode(), record.value


def run(arguments: list[str]) -> int:
    config = load_config(None, {}, arguments)
    runner = prism if config.settings.runner == "prism" else flink

    def build(pipeline: beam.Pipeline, reads: Reads, expansion_service: str) -> None:
        source = KafkaSource(reads.tracing, reads.headers, expansion_service, commit_offsets=runner is flink)
        sink = WriteTopic(config.settings.aggregated_topic, config.producer_properties(), expansion_service)
        read = source.read(pipeline)
        (
            read.traces
            | "SplitRecord" >> beam.FlatMap(halves_of).with_output_types(tuple[str, bytes])
            | "JoinHalves" >> beam.ParDo(JoinHalves()).with_output_types(tuple[bytes, bytes])
            | "WritePairs" >> sink
        )

    return runner.run(config, lambda line: click.echo(line, err=True), build=build)


if __name__ == "__main__":
    import pairs  # by its name, so that workers find what is pickled

    sys.exit(pairs.run(sys.argv[1:]))
