"""Sources: where records come from. A file, stdin or a list here; Kafka in kafka_sources.py."""

import gzip
import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, NamedTuple, Protocol, cast

import apache_beam as beam
from apache_beam import pvalue

from pipeline.envelope import from_line
from transforms import counters
from transforms.dead_letters import DeadLetter
from transforms.parse_traces import DEAD_LETTERS
from transforms.records import KafkaRecord

if TYPE_CHECKING:
    import io

STDIN = "-"
_GZIP_MAGIC = b"\x1f\x8b"
#: A line longer than this is no record that Kafka would take.
MAX_LINE_BYTES = 16 * 1024 * 1024


class Read(NamedTuple):
    """What a source gives: records of the tracing topic, of business topics, and what was no record at all."""

    traces: beam.PCollection[KafkaRecord]
    messages: beam.PCollection[KafkaRecord]
    dead_letters: beam.PCollection[DeadLetter]


class Source(Protocol):
    """Something that records are read from; `bounded` sources end."""

    bounded: bool

    def read(self, pipeline: beam.Pipeline) -> Read:
        """Add the reading steps to the pipeline."""


class EnvelopeSource:
    """JSONL in the envelope of `kcat -J`, plain or gzip; `-` is stdin.

    The envelope's topic decides: the tracing topic, or none, is parsed; records of any other topic give links. A line
    that is no envelope becomes a dead letter whose offset is its line number, from 1.
    """

    bounded = True

    def __init__(self, paths: Sequence[str], tracing_topic: str) -> None:
        self._paths = list(paths)
        self._tracing_topic = tracing_topic

    def read(self, pipeline: beam.Pipeline) -> Read:
        """Add the reading steps to the pipeline."""
        lines = beam.ParDo(_ReadEnvelopes(self._tracing_topic)).with_outputs("messages", DEAD_LETTERS, main="traces")
        read = pipeline | "ListFiles" >> beam.Create(self._paths, reshuffle=False) | "ReadFiles" >> lines
        return Read(read.traces, read.messages, read[DEAD_LETTERS])


class MemorySource:
    """Records given one by one, for tests."""

    bounded = True

    def __init__(self, traces: Iterable[KafkaRecord], messages: Iterable[KafkaRecord] = ()) -> None:
        self._traces = list(traces)
        self._messages = list(messages)

    def read(self, pipeline: beam.Pipeline) -> Read:
        """Add the reading steps to the pipeline."""
        traces = pipeline | "CreateTraces" >> beam.Create(self._traces, reshuffle=False)
        messages = pipeline | "CreateMessages" >> beam.Create(self._messages, reshuffle=False)
        return Read(traces, messages, no_dead_letters(pipeline))


def no_dead_letters(pipeline: beam.Pipeline) -> beam.PCollection[DeadLetter]:
    """For sources whose every element is a record."""
    return pipeline | "CreateNoDeadLetters" >> beam.Create([])


class _ReadEnvelopes(beam.DoFn):
    def __init__(self, tracing_topic: str) -> None:
        self._tracing_topic = tracing_topic

    def process(self, path: str) -> Iterator[Any]:
        with open_lines(path) as lines:
            number = 0
            while line := lines.readline(MAX_LINE_BYTES):
                number += 1
                if line.isspace():
                    continue
                try:
                    record = from_line(line)
                except ValueError as error:
                    counters.RECEIVED.inc()
                    counters.DEAD_LETTERED.inc()
                    letter = DeadLetter(
                        KafkaRecord(path, -1, number, -1, None, line.rstrip(b"\n")), "not-an-envelope", str(error)
                    )
                    yield pvalue.TaggedOutput(DEAD_LETTERS, letter)
                    continue
                if not record.topic or record.topic == self._tracing_topic:
                    yield record
                else:
                    yield pvalue.TaggedOutput("messages", record)


def open_lines(path: str) -> BinaryIO:
    """A file, or stdin for `-`, to be read line by line; gzip is recognised by its first bytes."""
    stdin = cast("io.BufferedReader", sys.stdin.buffer)
    raw = stdin if path == STDIN else Path(path).open("rb")  # noqa: SIM115  closed by the caller
    if raw.peek(len(_GZIP_MAGIC))[: len(_GZIP_MAGIC)] == _GZIP_MAGIC:
        return cast("BinaryIO", gzip.GzipFile(fileobj=raw))
    return raw
