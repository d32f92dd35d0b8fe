from apache_beam.coders import registry

from transforms.observe.observed_batch import ObservedBatch

BATCH = ObservedBatch.of(("orders", 1), 12, 5_000, [(7, 1_000, True, 20), (9, 3_000, False, 2**31 - 1)], [None, "c"])


def test_a_batch_comes_back_from_its_bytes():
    coder = registry.get_coder(ObservedBatch)
    assert coder.decode(coder.encode(BATCH)) == BATCH


def test_a_record_without_correlation_id_costs_25_bytes_at_most():
    coder = registry.get_coder(ObservedBatch)
    many = ObservedBatch.of(("orders", 1), 1_000, 0, [(n, n, True, n) for n in range(1_000)], [None] * 1_000)
    assert len(coder.encode(many)) < 25 * 1_000
    assert many.correlation_ids is None


def test_a_batch_knows_its_size_and_latest_timestamp_if_it_is_empty_too():
    empty = ObservedBatch.of(("orders", 1), 12, 5_000, [], [])
    assert (len(BATCH), BATCH.latest_timestamp) == (2, 3_000)
    assert (len(empty), empty.latest_timestamp) == (0, 0)
