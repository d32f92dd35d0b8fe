"""Sources in Kafka: a stream by ReadFromKafka, or all that is retained up to now by confluent-kafka."""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple, cast

import apache_beam as beam

from pipeline.kafka_read import KafkaRead
from pipeline.sources import Read, no_dead_letters
from transforms.record_batch import RecordBatch
from transforms.records import Header, KafkaRecord

if TYPE_CHECKING:
    from confluent_kafka import Message

#: A poll that brings nothing for this long means that the broker is gone.
_STALLED_S = 60.0
_POLL_S = 1.0
_BATCH = 1000


class KafkaSource:
    """Topics as a stream, for runners with an expansion service (`host:port`); `headers` are the business topics.

    `commit_offsets` commits what a checkpoint holds, for lag tools; a runner without checkpoints must not.
    """

    bounded = False

    def __init__(
        self, tracing: KafkaRead, headers: KafkaRead | None, expansion_service: str, *, commit_offsets: bool = True
    ) -> None:
        self._commit_offsets = commit_offsets
        self._tracing = tracing
        self._headers = headers
        self._expansion_service = expansion_service

    def read(self, pipeline: beam.Pipeline) -> Read:
        """Add the reading steps to the pipeline."""
        traces = pipeline | self._tracing.label >> self._step(self._tracing) | "BatchTracing" >> _one_by_one()
        if self._headers is None:
            messages = pipeline | "CreateNoMessages" >> beam.Create([])
        else:
            messages = pipeline | self._headers.label >> self._step(self._headers) | "BatchHeaders" >> _one_by_one()
        return Read(traces, messages, no_dead_letters(pipeline))

    def _step(self, read: KafkaRead) -> beam.PTransform:
        from apache_beam.io.kafka import ReadFromKafka

        return ReadFromKafka(
            consumer_config=dict(read.consumer),
            topics=list(read.topics),
            timestamp_policy=getattr(ReadFromKafka, _POLICIES[read.timestamp_policy]),
            with_metadata=True,
            commit_offset_in_finalize=self._commit_offsets,
            consumer_polling_timeout=None,  # the deprecated read refuses it
            expansion_service=self._expansion_service,
        )


_POLICIES = {
    "LogAppendTime": "log_append_time",
    "CreateTime": "create_time_policy",
    "ProcessingTime": "processing_time_policy",
}


def _one_by_one() -> beam.PTransform:
    """A batch of each record, or row of ReadFromKafka."""
    return beam.Map(_batch_of_one).with_output_types(RecordBatch)


def _batch_of_one(record: Any) -> RecordBatch:
    return RecordBatch.of([record])


class Range(NamedTuple):
    """Offsets of one partition to read: from `start` up to, not including, `end`."""

    topic: str
    partition: int
    start: int
    end: int


class BoundedKafkaSource:
    """What these ranges hold, then the end. `consumer` are librdkafka properties."""

    bounded = True

    def __init__(self, ranges: list[Range], tracing_topic: str, consumer: Mapping[str, str]) -> None:
        self._tracing = [one for one in ranges if one.topic == tracing_topic]
        self._messages = [one for one in ranges if one.topic != tracing_topic]
        self._consumer = dict(consumer)

    def read(self, pipeline: beam.Pipeline) -> Read:
        """Add the reading steps to the pipeline."""
        traces = pipeline | "ListTracing" >> beam.Create(self._tracing, reshuffle=False)
        messages = pipeline | "ListMessages" >> beam.Create(self._messages, reshuffle=False)
        return Read(
            traces
            | "ReadTracing" >> beam.ParDo(_ReadRange(self._consumer, keep_payload=True))
            | "BatchTracing" >> _one_by_one(),
            messages
            | "ReadHeaders" >> beam.ParDo(_ReadRange(self._consumer, keep_payload=False))
            | "BatchHeaders" >> _one_by_one(),
            no_dead_letters(pipeline),
        )


class _ReadRange(beam.DoFn):
    def __init__(self, consumer: Mapping[str, str], *, keep_payload: bool) -> None:
        self._properties = {
            **consumer,
            "enable.auto.commit": False,
            "enable.partition.eof": True,
            "auto.offset.reset": "earliest",
        }
        self._keep_payload = keep_payload

    def process(self, wanted: Range) -> Iterator[KafkaRecord]:
        from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition

        if wanted.start >= wanted.end:
            return
        consumer = Consumer(self._properties)
        try:
            consumer.assign([TopicPartition(wanted.topic, wanted.partition, wanted.start)])
            quiet = 0.0
            while True:
                messages = consumer.consume(_BATCH, _POLL_S)
                quiet = 0.0 if messages else quiet + _POLL_S
                if quiet >= _STALLED_S:
                    raise TimeoutError(
                        f"{wanted.topic}/{wanted.partition} gave nothing for {_STALLED_S:.0f} s before offset "
                        f"{wanted.end}: is the broker up? See: tracing-aggregator check"
                    )
                for message in messages:
                    error = message.error()
                    if error is not None and error.code() == KafkaError._PARTITION_EOF:  # noqa: SLF001  its public name
                        return
                    if error is not None:
                        raise KafkaException(error)
                    record = _record(message, keep_payload=self._keep_payload)
                    if record.offset >= wanted.end:
                        return
                    yield record
                    if record.offset + 1 == wanted.end:
                        return
        finally:
            consumer.close()


def _record(message: "Message", *, keep_payload: bool) -> KafkaRecord:
    headers = cast("list[tuple[str, bytes | None]]", message.headers() or [])
    return KafkaRecord(
        cast("str", message.topic()),
        cast("int", message.partition()),
        cast("int", message.offset()),
        message.timestamp()[1],
        message.key() if keep_payload else None,
        message.value() if keep_payload else None,
        tuple(Header(name, value) for name, value in headers),
    )
