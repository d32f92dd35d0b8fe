"""ReadFromKafka: topics in batches, by confluent-kafka, the same on every runner.

    ListPartitions ─ (reader, partitions) ─ ReadPartitions ─ RecordBatch      a stream
    (reader, ranges) ─────────────────────  ReadRanges ───── RecordBatch      up to end offsets

Sixteen readers, keys of state, share the partitions; those in one process poll together through one Kafka client.
docs/adr/0011-kafka-in-batches.md says what was measured.
"""

import uuid
from collections.abc import Mapping, Sequence
from typing import Any

import apache_beam as beam

from pipeline.config.load import Config
from pipeline.io.hold import HoldFarTime
from pipeline.io.list_partitions import ListPartitions
from pipeline.io.message_batches import COMMITS, MESSAGES, OBSERVED
from pipeline.io.read_partitions import FINDINGS, OFFSETS, CommitOffsets, ReadPartitions
from pipeline.io.read_ranges import Range, ReadRanges
from pipeline.io.reader_keys import reader_keys
from pipeline.io.topics_to_read import TopicsToRead
from pipeline.sources import Observed, Read
from transforms.input.record_batch import RecordBatch
from transforms.observe.observed_batch import ObservedBatch
from transforms.state.batches import typed

Keyed = tuple[bytes, bytes]
#: The outputs of a reader that observes, beside those that each reader has.
_OBSERVING = {OBSERVED: ObservedBatch, COMMITS: RecordBatch}


class ReadFromKafka(beam.PTransform):
    """The stream of the topics that the settings choose. Out, by name: `traces`, `messages`, `findings`.

    With `observe.topics` also `observed` and `commits`.
    With `commits_offsets` the group gets the offsets that a complete checkpoint holds; only for runners that have some.
    """

    def __init__(self, config: Config, *, commits_offsets: bool = True) -> None:
        super().__init__()
        self._config = config
        self._commits_offsets = commits_offsets

    def expand(self, pipeline: Any) -> dict[str, beam.PCollection]:
        """All outputs, by name."""
        settings, consumer = self._config.settings, self._config.consumer_properties()
        readers = reader_keys(settings.readers, settings.flink_max_parallelism)
        listing = ListPartitions(
            TopicsToRead.of(settings), self._config.admin_properties(), readers, settings.discovery_interval_ms / 1000
        )
        observing = _OBSERVING if settings.observe_topics else {}
        identity = uuid.uuid4().hex
        read = ReadPartitions(
            identity,
            consumer,
            bundle_s=settings.bundle_ms / 1000,
            max_delay_ms=settings.create_time_max_delay_ms,
        )
        outputs = (
            pipeline
            | "Begin" >> beam.Create([(b"partitions", b"")], reshuffle=False).with_output_types(Keyed)
            | "HoldFarTime" >> beam.ParDo(HoldFarTime()).with_output_types(Keyed)
            | "ListPartitions" >> beam.ParDo(listing).with_output_types(Keyed)
            | "ReadPartitions" >> beam.ParDo(read).with_outputs(MESSAGES, FINDINGS, OFFSETS, *observing, main="traces")
        )
        typed(outputs, traces=RecordBatch, **{MESSAGES: RecordBatch, **observing})
        if self._commits_offsets:
            outputs[OFFSETS] | "CommitOffsets" >> beam.ParDo(CommitOffsets(identity, consumer))
        return {name: outputs[name] for name in ("traces", MESSAGES, FINDINGS, *observing)}


class KafkaStream:
    """The stream as the source of the graph."""

    bounded = False

    def __init__(self, config: Config, *, commits_offsets: bool = True) -> None:
        self._read = ReadFromKafka(config, commits_offsets=commits_offsets)

    def read(self, pipeline: beam.Pipeline) -> Read:
        """Add the reading steps to the pipeline."""
        read = pipeline | "ReadFromKafka" >> self._read
        return Read(read["traces"], read[MESSAGES], None, read[FINDINGS], _observed(read) if OBSERVED in read else None)


def _observed(outputs: Any) -> Observed:
    return Observed(outputs[OBSERVED], outputs[COMMITS])


class KafkaRanges:
    """What these ranges hold, then the end: the source of a bounded graph. `consumer` are Java client properties."""

    bounded = True

    def __init__(self, ranges: Sequence[Range], topics: TopicsToRead, consumer: Mapping[str, str]) -> None:
        self._ranges = list(ranges)
        self._read = ReadRanges(topics, consumer)
        self._observing = _OBSERVING if topics.observed else {}

    def read(self, pipeline: beam.Pipeline) -> Read:
        """Add the reading steps to the pipeline."""
        ranges = pipeline | "ListRanges" >> beam.Create([(b"all", self._ranges)], reshuffle=False)
        observing = self._observing
        read = ranges | "ReadFromKafka" >> beam.ParDo(self._read).with_outputs(MESSAGES, *observing, main="traces")
        typed(read, traces=RecordBatch, **{MESSAGES: RecordBatch, **observing})
        return Read(read.traces, read[MESSAGES], None, None, _observed(read) if observing else None)
