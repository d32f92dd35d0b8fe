from tests.tracing_aggregator.explain.cases import acked, committed, consumed, sent
from tracing_aggregator.explain.gather import gather
from tracing_aggregator.explain.subject import subject_of


def test_records_of_other_topics_are_found_whatever_the_order_and_however_they_hang_together():
    elsewhere = {"topic": "invoices", "partition": 3, "offset": 7}
    last = [sent(), acked(correlationId=None)]
    hidden = [acked(9, correlationId=None, **elsewhere), consumed(5, "mail", **elsewhere)]
    noise = [acked(1, offset=1, correlationId="x"), consumed(2, offset=2, correlationId="y")]
    records = [*hidden, *noise, *last]
    for order in (records, records[::-1]):
        _, taken = gather(lambda order=order: iter(order), subject_of("orders/0/42"))
        assert sorted(one["id"] for one in taken) == sorted(one["id"] for one in [*hidden, *last])


def test_other_revisions_of_a_record_come_with_it():
    moved = committed(revision=2, offset=43, correlationId="d")
    _, taken = gather(lambda: iter([moved, sent(), committed()]), subject_of("c"))
    assert moved in taken


def test_nothing_is_read_twice_in_vain():
    calls = []

    def read():
        calls.append(1)
        return iter([sent()])

    gather(read, subject_of("nothing"))
    assert len(calls) == 1
