import apache_beam as beam
from apache_beam.testing.test_pipeline import TestPipeline
from apache_beam.testing.util import assert_that, equal_to

from pipeline.io.read_from_kafka import KafkaRanges
from pipeline.io.read_ranges import Range


def offsets(batch) -> list[tuple]:
    return [(record.topic, record.partition, record.offset, record.value) for record in batch.records()]


def test_a_range_ends_before_its_end_and_business_topics_come_without_their_payload(cluster):
    cluster.produce("traces", 0, b"a", b"b", b"c")
    cluster.produce("traces", 1, b"x")
    cluster.produce("orders", 0, b"secret", b"secret")
    consumer = {"bootstrap.servers": cluster.servers, "group.id": "ranges"}
    ranges = [Range("traces", 0, 1, 3), Range("traces", 1, 0, 1), Range("orders", 0, 0, 1), Range("traces", 2, 0, 0)]
    with TestPipeline() as pipeline:
        source = KafkaRanges(ranges, "traces", consumer).read(pipeline)
        traces = source.traces | "Traces" >> beam.FlatMap(offsets)
        messages = source.messages | "Messages" >> beam.FlatMap(offsets)
        assert_that(
            traces, equal_to([("traces", 0, 1, b"b"), ("traces", 0, 2, b"c"), ("traces", 1, 0, b"x")]), "Traces?"
        )
        assert_that(messages, equal_to([("orders", 0, 0, None)]), "Messages?")


def test_a_range_whose_last_records_are_no_longer_there_ends_all_the_same(cluster):
    cluster.produce("compacted", 0, b"a", b"b")
    consumer = {"bootstrap.servers": cluster.servers, "group.id": "ranges"}
    with TestPipeline() as pipeline:
        source = KafkaRanges([Range("compacted", 0, 0, 9)], "compacted", consumer).read(pipeline)
        found = source.traces | beam.FlatMap(offsets)
        assert_that(found, equal_to([("compacted", 0, 0, b"a"), ("compacted", 0, 1, b"b")]))
