from tests.tracing_aggregator.explain.cases import acked, committed, consumed, sent
from tracing_aggregator.demo import messages
from tracing_aggregator.demo.messages import Messages

NAME = "0123456789"


def order(offset: int = 42, name: str = NAME) -> list[dict]:
    """A message in `orders` that billing reads."""
    place = {"offset": offset, "correlationId": name}
    return [sent(0, **place), acked(12, **place), consumed(30, **place), committed(40, **place)]


def payment() -> list[dict]:
    """What billing makes of it."""
    place = {"topic": "payments", "offset": 7, "correlationId": NAME}
    return [
        sent(31, **place, clientId="billing-1"),
        acked(33, **place),
        consumed(231, "accounting", **place),
        committed(2300, "accounting", **place),
    ]


def lines(*traces: dict) -> list[str]:
    told = Messages()
    return [line for line in map(told.take, traces) if line]


def test_a_message_is_told_once_its_group_has_committed_it():
    *before, last = order()
    assert lines(*before) == []
    assert lines(*before, last) == ["00:00:00 01234567 p1 → billing 30ms"]


def test_the_order_in_which_its_traces_come_does_not_matter():
    assert lines(*reversed(order())) == lines(*order())


def test_hops_of_one_message_are_one_line_and_dated_when_the_last_was_done():
    expected = ["00:00:02 01234567 p1 → billing 30ms → accounting 200ms"]
    first, hop = order(), payment()
    assert lines(*first[:3], *hop[:2], first[3], *hop[2:]) == expected
    assert lines(*first[:3], *hop, first[3]) == expected


def test_a_hop_that_is_known_later_is_a_line_of_its_own():
    assert lines(*order(), *payment())[1:] == ["00:00:02 01234567 billing-1 → accounting 200ms"]


def test_every_group_that_reads_the_topic_has_to_be_done():
    shipped = [consumed(50, "shipping", correlationId=NAME), committed(60, "shipping", correlationId=NAME)]
    sending, acking, reading, committing = order()
    assert lines(sending, acking, reading, shipped[0], committing) == []
    assert lines(sending, acking, reading, shipped[0], committing, shipped[1]) == [
        "00:00:00 01234567 p1 → billing 30ms shipping 50ms"
    ]


def test_a_message_that_is_read_again_is_not_told_again():
    again = [consumed(500, correlationId=NAME, deliveryCount=2), committed(600, correlationId=NAME, repeated=True)]
    assert len(lines(*order(), *again)) == 1


def test_messages_of_which_the_beginning_was_not_seen_are_left_out():
    assert lines(*order()[1:]) == []


def test_traces_without_a_place_or_withdrawn_change_nothing():
    nowhere = sent(0, partition=None, offset=None)
    assert lines(nowhere, *order()[:3], committed(40, withdrawn=True, correlationId=NAME)) == []


def test_of_very_many_messages_the_oldest_are_forgotten(monkeypatch):
    monkeypatch.setattr(messages, "MOST_OPEN", 3)
    many = [order(offset, f"name-{offset}") for offset in range(5)]
    told = Messages()
    for one in many:
        for trace in one[:3]:
            assert told.take(trace) is None
    assert [bool(told.take(one[3])) for one in reversed(many)] == [True, True, True, False, False]
