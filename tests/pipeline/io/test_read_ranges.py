import apache_beam as beam
from apache_beam.testing.test_pipeline import TestPipeline
from apache_beam.testing.util import assert_that, equal_to

from pipeline.io.read_from_kafka import KafkaRanges
from pipeline.io.read_ranges import Range
from pipeline.io.topics_to_read import TopicsToRead


def topics(tracing: str, messages: str = "orders", observed: str = "") -> TopicsToRead:
    return TopicsToRead(tracing, messages, "", "", frozenset(), observed)


def offsets(batch) -> list[tuple]:
    return [(record.topic, record.partition, record.offset, record.value) for record in batch.records()]


def test_a_range_ends_before_its_end_and_business_topics_come_without_their_payload(cluster):
    cluster.produce("traces", 0, b"a", b"b", b"c")
    cluster.produce("traces", 1, b"x")
    cluster.produce("orders", 0, b"secret", b"secret")
    consumer = {"bootstrap.servers": cluster.servers, "group.id": "ranges"}
    ranges = [Range("traces", 0, 1, 3), Range("traces", 1, 0, 1), Range("orders", 0, 0, 1), Range("traces", 2, 0, 0)]
    with TestPipeline() as pipeline:
        source = KafkaRanges(ranges, topics("traces"), consumer).read(pipeline)
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
        source = KafkaRanges([Range("compacted", 0, 0, 9)], topics("compacted"), consumer).read(pipeline)
        found = source.traces | beam.FlatMap(offsets)
        assert_that(found, equal_to([("compacted", 0, 0, b"a"), ("compacted", 0, 1, b"b")]))


def test_observed_ranges_come_as_columns_and_commits_with_their_payload(cluster):
    cluster.produce("bills", 0, b"secret", b"secrets", timestamp=1_700_000_000_000)
    cluster.produce("__consumer_offsets", 0, b"commit")
    consumer = {"bootstrap.servers": cluster.servers, "group.id": "ranges"}
    ranges = [Range("bills", 0, 0, 2), Range("__consumer_offsets", 0, 0, 1)]
    with TestPipeline() as pipeline:
        source = KafkaRanges(ranges, topics("traces", "", "bills"), consumer).read(pipeline)
        assert source.observed is not None
        positions = source.observed.positions | "Sizes" >> beam.Map(
            lambda batch: (
                batch.topic,
                batch.next_offset,
                batch.latest_timestamp,
                memoryview(batch.sizes).cast("i").tolist(),
            )
        )
        assert_that(positions, equal_to([("bills", 2, 1_700_000_000_000, [6, 7])]), "Positions?")
        commits = source.observed.commits | "Commits" >> beam.FlatMap(offsets)
        assert_that(commits, equal_to([("__consumer_offsets", 0, 0, b"commit")]), "Commits?")
