import json
from base64 import b64decode

import apache_beam as beam
import pytest
from apache_beam.testing.test_pipeline import TestPipeline
from confluent_kafka import Consumer, TopicPartition

from pipeline.io.write_to_kafka import TOO_LARGE, WriteToKafka, _Produce
from transforms.state.batches import Records

LETTERS = "letters"


def written(cluster, topic: str, count: int) -> list[tuple[bytes, bytes]]:
    consumer = Consumer({"bootstrap.servers": cluster.servers, "group.id": "look", "auto.offset.reset": "earliest"})
    consumer.assign([TopicPartition(topic, partition, 0) for partition in range(4)])
    messages = consumer.consume(count, 20)
    consumer.close()
    assert len(messages) == count
    return [(message.key(), message.value()) for message in messages]


def properties(cluster, **more: str) -> dict[str, str]:
    return {"bootstrap.servers": cluster.servers, **more}


def test_when_a_bundle_is_over_the_brokers_have_its_records(cluster):
    records = [(b"%d" % number, b"value") for number in range(50)]
    with TestPipeline() as pipeline:
        (
            pipeline
            | beam.Create([Records(records[:30]), Records(records[30:])])
            | WriteToKafka("bundle", properties(cluster), LETTERS)
        )
    assert sorted(written(cluster, "bundle", 50)) == sorted(records)


def test_a_record_that_the_brokers_can_never_take_becomes_a_dead_letter_with_its_bytes(cluster):
    small = properties(cluster, **{"max.request.size": "2000"})
    produce = _Produce("small", small, LETTERS)
    produce.start_bundle()
    produce.process([(b"large", b"x" * 5_000), (b"fits", b"y")])
    with pytest.raises(RuntimeError, match="too large"):
        produce.finish_bundle()  # its letter does not fit either, with a limit as low as this

    roomy = _Produce("small", properties(cluster), LETTERS)
    roomy.start_bundle()
    roomy._too_large.append((b"large", b"x" * 5_000))
    roomy.finish_bundle()
    letter = json.loads(written(cluster, LETTERS, 1)[0][1])
    assert (letter["reason"], letter["topic"], b64decode(letter["value"])) == (TOO_LARGE, "small", b"x" * 5_000)
    assert written(cluster, "small", 1) == [(b"fits", b"y")]


def test_steps_of_one_process_share_a_producer_and_one_that_failed_is_replaced(cluster):
    one, other = (_Produce(topic, properties(cluster), LETTERS) for topic in ("a", "b"))
    one.start_bundle()
    other.start_bundle()
    assert one._producer is other._producer
    one._failures.append("it has fenced us")
    with pytest.raises(RuntimeError, match=r"written to a: it has fenced us\. .*tracing-aggregator topics"):
        one.finish_bundle()
    one.start_bundle()
    assert one._producer is not other._producer


def test_nothing_of_a_failed_bundle_is_left_for_the_next(cluster):
    produce = _Produce("clean", properties(cluster), LETTERS)
    produce.start_bundle()
    produce._failures.append("gone")
    produce.start_bundle()
    produce.process([(b"k", b"v")])
    produce.finish_bundle()
    assert written(cluster, "clean", 1) == [(b"k", b"v")]
