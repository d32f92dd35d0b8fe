"""ParseTraces: each record of a batch is one trace or one dead letter."""

from typing import Any

import orjson
from apache_beam import pvalue
from apache_beam.runners.direct import DirectRunner  # noqa: F401  makes Beam's counters available

from tests.histories import START, any_trace, value_of
from transforms.input.dead_letters import DeadLetter
from transforms.input.parse_traces import _ParseBatch
from transforms.input.record_batch import RecordBatch
from transforms.input.records import Header, KafkaRecord

HOUR = 3_600_000


def any_record(offset: int = 42, **overrides: Any) -> KafkaRecord:
    """A record of the tracing topic; a valid trace, unless a value is given."""
    value = orjson.dumps(value_of(any_trace(id=f"id-{offset}")))
    fields = {"topic": "_tracing", "partition": 3, "offset": offset, "timestamp": START, "key": b"{}", "value": value}
    return KafkaRecord(**fields | overrides)


def outputs(*records: KafkaRecord, follows: Any = None) -> list[Any]:
    return list(_ParseBatch(HOUR, follows).process(RecordBatch.of(records)))


def test_the_traces_of_a_batch_leave_together_and_in_order():
    [traces] = outputs(*map(any_record, range(20)))
    assert [trace.id for trace in traces] == [f"id-{number}" for number in range(20)]


def test_a_batch_without_a_trace_gives_no_list():
    assert [type(one) for one in outputs(any_record(value=b"\xfe"))] == [pvalue.TaggedOutput]


def test_a_dead_letter_has_the_bytes_and_the_place_of_its_record():
    odd = any_record(7, topic="other", partition=5, key=b"\xff", value=b"\xfe", headers=(Header("h", b"v"),))
    told = outputs(any_record(1), odd, any_record(2))
    [(tag, letter)] = [(one.tag, one.value) for one in told if isinstance(one, pvalue.TaggedOutput)]
    [traces] = [one for one in told if not isinstance(one, pvalue.TaggedOutput)]
    assert [trace.id for trace in traces] == ["id-1", "id-2"]
    assert (tag, letter.record, letter.reason) == ("dead_letters", odd._replace(headers=()), "not-json")
    assert isinstance(letter, DeadLetter)


def test_traces_of_topics_that_are_not_followed_are_dropped():
    other = any_record(value=orjson.dumps(value_of(any_trace(topic="other"))))
    assert outputs(other, follows=lambda topic: topic == "topic") == []
    [traces] = outputs(any_record(), other, follows=lambda topic: topic == "topic")
    assert [trace.topic for trace in traces] == ["topic"]
