"""RecordBatch: many Kafka records as one element."""

from types import SimpleNamespace

import apache_beam as beam
from apache_beam.coders import registry
from hypothesis import given
from hypothesis import strategies as st

from transforms.input.record_batch import MAX_BYTES, MAX_RECORDS, Gatherer, RecordBatch, RecordBatchCoder
from transforms.input.records import Header, KafkaRecord

_BYTES = st.none() | st.binary(max_size=20)
RECORDS = st.lists(
    st.builds(
        KafkaRecord,
        topic=st.text(max_size=5),
        partition=st.integers(-1, 2**31 - 1),
        offset=st.integers(-1, 2**63 - 1),
        timestamp=st.integers(-1, 2**63 - 1),
        key=_BYTES,
        value=_BYTES,
        headers=st.lists(st.builds(Header, st.text(max_size=5), _BYTES), max_size=2).map(tuple),
    ),
    max_size=5,
)


@given(RECORDS)
def test_a_batch_gives_the_records_it_was_made_of_before_and_after_its_coder(records):
    batch = RecordBatch.of(records)
    coder = registry.get_coder(RecordBatch)
    assert isinstance(coder, RecordBatchCoder)
    assert len(batch) == len(records)
    assert [*batch.records()] == records
    assert [*coder.decode(coder.encode(batch)).records()] == records


def test_a_row_of_another_type_is_a_record_too():
    header = SimpleNamespace(key="h", value=None)
    row = SimpleNamespace(topic="t", partition=0, offset=1, timestamp=2, key=None, value=b"v", headers=[header])
    assert [*RecordBatch.of([row]).records()] == [KafkaRecord("t", 0, 1, 2, None, b"v", (Header("h", None),))]


def test_a_step_says_by_its_type_how_batches_are_encoded():
    pipeline = beam.Pipeline()
    batches = pipeline | beam.Create([()]) | beam.Map(RecordBatch.of).with_output_types(RecordBatch)
    assert isinstance(registry.get_coder(batches.element_type), RecordBatchCoder)


def gathered(count: int, value: bytes) -> list[int]:
    """The sizes of the batches that so many records with this value become; the last one is what is left."""
    gatherer, record = Gatherer(), KafkaRecord("t", 0, 0, 0, None, value)
    full = [batch for _ in range(count) for batch in gatherer.add(record)]
    return [len(batch) for batch in [*full, *gatherer.rest()]]


def test_a_batch_is_full_with_a_thousand_records():
    assert gathered(2 * MAX_RECORDS + 1, b"") == [MAX_RECORDS, MAX_RECORDS, 1]
    assert gathered(MAX_RECORDS, b"") == [MAX_RECORDS]
    assert gathered(0, b"") == []


def test_a_batch_of_large_values_is_full_before():
    assert gathered(5, bytes(MAX_BYTES // 2)) == [2, 2, 1]
    assert gathered(2, bytes(2 * MAX_BYTES)) == [1, 1]
