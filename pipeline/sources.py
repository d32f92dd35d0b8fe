"""Sources: where records come from. A file, stdin or a list here; Kafka in io/read_from_kafka.py."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple, Protocol

import apache_beam as beam
from apache_beam import pvalue

from pipeline.envelope import from_line
from pipeline.envelope_lines import Unreadable, read_lines
from transforms.findings.findings import Finding
from transforms.input.dead_letters import DeadLetter
from transforms.input.parse_traces import DEAD_LETTERS
from transforms.input.record_batch import Gatherer, RecordBatch
from transforms.input.records import KafkaRecord, is_position
from transforms.observe.observed_batch import ObservedBatch
from transforms.state import counters
from transforms.state.batches import typed


class Observed(NamedTuple):
    """What a source gives of observed topics: where their records lie, and batches of `__consumer_offsets`."""

    positions: beam.PCollection[ObservedBatch]
    commits: beam.PCollection[RecordBatch]


class Read(NamedTuple):
    """What a source gives: batches of the tracing topic and of business topics; what was no record, what was lost.

    `observed` is None where nothing is observed.
    """

    traces: beam.PCollection[RecordBatch]
    messages: beam.PCollection[RecordBatch]
    dead_letters: beam.PCollection[DeadLetter] | None
    findings: beam.PCollection[Finding] | None
    observed: Observed | None = None


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
        typed(read, traces=RecordBatch, messages=RecordBatch)
        return Read(read.traces, read.messages, read[DEAD_LETTERS], None)


class MemorySource:
    """Records given as lists, for tests."""

    bounded = True

    def __init__(self, traces: Iterable[KafkaRecord], messages: Iterable[KafkaRecord] = ()) -> None:
        self._traces = list(traces)
        self._messages = list(messages)

    def read(self, pipeline: beam.Pipeline) -> Read:
        """Add the reading steps to the pipeline."""
        traces = pipeline | "CreateTraces" >> beam.Create(_batches(self._traces), reshuffle=False)
        messages = pipeline | "CreateMessages" >> beam.Create(_batches(self._messages), reshuffle=False)
        return Read(traces, messages, None, None)


def _batches(records: Iterable[KafkaRecord]) -> list[RecordBatch]:
    gatherer = Gatherer()
    return [batch for record in records for batch in gatherer.add(record)] + [*gatherer.rest()]


class _ReadEnvelopes(beam.DoFn):
    def __init__(self, tracing_topic: str) -> None:
        self._tracing_topic = tracing_topic

    def process(self, path: str) -> Iterator[Any]:
        traces, messages = Gatherer(), Gatherer()
        for number, line in read_lines(path):
            record = self._record(path, number, line)
            if isinstance(record, DeadLetter):
                counters.RECEIVED.inc()
                counters.DEAD_LETTERED.inc()
                yield pvalue.TaggedOutput(DEAD_LETTERS, record)
            elif self._is_trace(record):
                yield from traces.add(record)
            else:
                yield from (pvalue.TaggedOutput("messages", batch) for batch in messages.add(record))
        yield from traces.rest()
        yield from (pvalue.TaggedOutput("messages", batch) for batch in messages.rest())

    def _record(self, path: str, number: int, line: bytes | Unreadable) -> KafkaRecord | DeadLetter:
        if isinstance(line, Unreadable):
            return DeadLetter(KafkaRecord(path, -1, number, -1, None, line.head), line.reason, line.detail)
        whole = KafkaRecord(path, -1, number, -1, None, line.rstrip(b"\n"))
        try:
            record = from_line(line)
        except ValueError as error:
            return DeadLetter(whole, "not-an-envelope", str(error))
        if not self._is_trace(record) and not is_position(record):
            return DeadLetter(whole, "wrong-field", f"no record lies at {record.partition}/{record.offset}")
        return record

    def _is_trace(self, record: KafkaRecord) -> bool:
        return not record.topic or record.topic == self._tracing_topic
