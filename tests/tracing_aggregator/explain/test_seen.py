import pytest

from tests.tracing_aggregator.explain.cases import acked, consumed, sent
from tracing_aggregator.explain.seen import MOST_NAMES, Seen
from tracing_aggregator.explain.subject import subject_of

_EXPLAIN = "\n  tracing-aggregator explain "
RECORDS = [
    sent(offset=10, correlationId="0123-a"),
    acked(offset=10, correlationId="0123-a"),
    consumed(offset=11, correlationId="0123-b"),
    sent(topic="payments", partition=2, offset=7, correlationId="9876-c", clientId="p2"),
    sent(topic="invoices", partition=None, offset=None, correlationId="waiting"),
]


def seen(text: str) -> Seen:
    all_of_it = Seen(subject_of(text))
    assert list(all_of_it.watch(RECORDS)) == RECORDS
    return all_of_it


@pytest.mark.parametrize(
    ("text", "names"),
    [("0123", ["0123-a", "0123-b"]), ("9876-", ["9876-c"]), ("012", []), ("123-", []), ("orders/0/10", [])],
)
def test_names_are_those_that_begin_with_four_characters_or_more(text, names):
    assert seen(text).names == names


def test_of_many_names_one_more_than_are_listed_is_kept():
    many = Seen(subject_of("name"))
    assert len(list(many.watch([sent(correlationId=f"name-{number}") for number in range(100)]))) == 100
    assert len(many.names) == MOST_NAMES + 1


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("orders/0/12", "orders/0 ends at 11, as far as traces tell."),
        ("orders-0@12", "orders/0 ends at 11, as far as traces tell."),
        ("orders/0/9", "What is known of orders/0 begins at 10."),
        ("orders/3/0", "No trace is of orders/3. Known partitions of orders: 0."),
        (
            "order/0/10",
            "No trace is of a topic order. Did you mean orders? Its newest message:" + _EXPLAIN + "orders/0/11",
        ),
        ("clicks/0/10", "No trace is of a topic clicks. Known topics: invoices, orders, payments."),
        (
            "payments/2",
            "payments/2 is a partition, with traces from 7 to 7. Its newest message:" + _EXPLAIN + "payments/2/7",
        ),
        ("payments/1", "No trace is of payments/1. Known partitions of payments: 2."),
        ("orders", "orders is a topic, not a message. Its newest one:\n  tracing-aggregator explain orders/0/11"),
        (
            "billing",
            "billing is a consumer group, not a message. Its newest one:\n  tracing-aggregator explain orders/0/11",
        ),
        ("p2", "p2 is a client, not a message. Its newest one:\n  tracing-aggregator explain payments/2/7"),
        ("invoices", "invoices is a topic, not a message. Its newest one:\n  tracing-aggregator explain waiting"),
        (
            "biling",
            "No correlationId begins like that. Did you mean billing? Its newest message:" + _EXPLAIN + "orders/0/11",
        ),
        ("xyz", "No correlationId begins like that. Known topics: invoices, orders, payments."),
    ],
)
def test_why_nothing_is_known_is_said_with_what_to_ask_instead(text, why):
    assert seen(text).why() == why


def test_a_place_between_known_ones_may_be_no_message():
    between = Seen(subject_of("orders/0/11"))
    assert list(between.watch([sent(offset=10), sent(offset=12)]))
    assert between.why().startswith("Its producer and its readers are not traced, or no message lies there")


def test_without_any_trace_it_says_so():
    assert Seen(subject_of("orders/0/1")).why() == "There is not one trace yet."
