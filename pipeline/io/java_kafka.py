"""Beam's own transforms for Kafka, in Java: `kafka.io=java`, for clusters that only Java clients can log in to.

The partitions are those of the first start; a topic that is added later needs another application.id. Event time is
KafkaIO's own: on a tracing topic with CreateTime, partitions without records hold it back.
"""

from collections.abc import Mapping

import apache_beam as beam

from pipeline.config.load import Config
from pipeline.sources import Read
from transforms.input.record_batch import RecordBatch
from transforms.input.records import KeyValue
from transforms.state.batches import Records

_BYTES_SERIALIZER = "org.apache.kafka.common.serialization.ByteArraySerializer"


class JavaKafkaStream:
    """Topics as a stream. `expansion_service` is `host:port`; `headers` are the business topics that exist."""

    bounded = False

    def __init__(
        self,
        config: Config,
        headers: list[str],
        expansion_service: str,
        *,
        has_append_time: bool,
        commits_offsets: bool,
    ) -> None:
        self._config = config
        self._headers = headers
        self._expansion_service = expansion_service
        self._policy = "log_append_time" if has_append_time else "create_time_policy"
        self._commits_offsets = commits_offsets

    def read(self, pipeline: beam.Pipeline) -> Read:
        """Add the reading steps to the pipeline."""
        traces = pipeline | "ReadTracing" >> self._step([self._config.settings.tracing_topic], self._policy)
        if self._headers:
            # An idle business topic would stop the time of everything else.
            messages = pipeline | "ReadHeaders" >> self._step(self._headers, "processing_time_policy")
        else:
            messages = pipeline | "CreateNoMessages" >> beam.Create([])
        return Read(traces | "BatchTraces" >> _one_by_one(), messages | "BatchMessages" >> _one_by_one(), None, None)

    def _step(self, topics: list[str], policy: str) -> beam.PTransform:
        from apache_beam.io.kafka import ReadFromKafka

        return ReadFromKafka(
            consumer_config={**self._config.consumer_properties(), "enable.auto.commit": "false"},
            topics=topics,
            timestamp_policy=getattr(ReadFromKafka, policy),
            with_metadata=True,
            commit_offset_in_finalize=self._commits_offsets,
            consumer_polling_timeout=None,  # the deprecated read refuses it
            expansion_service=self._expansion_service,
        )


class JavaWriteToKafka(beam.PTransform):
    """Writes to one topic; `producer` are Java client properties."""

    def __init__(self, topic: str, producer: Mapping[str, str], expansion_service: str) -> None:
        super().__init__()
        self._topic = topic
        self._producer = dict(producer)
        self._expansion_service = expansion_service

    def expand(self, records: beam.PCollection[Records]) -> beam.PCollection[None]:
        """Nothing comes out."""
        from apache_beam.io.kafka import WriteToKafka

        typed = records | "TypeRecords" >> beam.FlatMap().with_output_types(KeyValue)
        return typed | "WriteToKafka" >> WriteToKafka(
            producer_config=self._producer,
            topic=self._topic,
            key_serializer=_BYTES_SERIALIZER,
            value_serializer=_BYTES_SERIALIZER,
            expansion_service=self._expansion_service,
        )


def _one_by_one() -> beam.PTransform:
    """Rows have the fields of `KafkaRecord`."""
    return beam.Map(lambda row: RecordBatch.of([row])).with_output_types(RecordBatch)
