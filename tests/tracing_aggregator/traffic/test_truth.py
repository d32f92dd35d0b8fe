import io
import json

from tracing_aggregator.traffic.truth import Place, Truth


def lines_of(written):
    return [json.loads(line) for line in written.getvalue().splitlines()]


def told(tell):
    """What is written when this is told."""
    written = io.StringIO()
    truth = Truth(written)
    tell(truth)
    return truth, [{name: fact for name, fact in line.items() if name != "date"} for line in lines_of(written)]


def at(offset, topic="orders"):
    return Place(topic, 0, offset)


def deliveries(tell):
    _, lines = told(tell)
    found = [line for line in lines if line["what"] == "consumed"]
    return [(line["offset"], line["delivery"], line.get("cause")) for line in found]


def test_a_message_that_is_sent_twice_is_a_duplicate_in_each_topic_where_it_is_twice():
    def tell(truth):
        truth.sent_twice("a")
        for offset, name in enumerate(["a", "b", "a"]):
            truth.produced(at(offset), name, "shop")
        truth.produced(at(7, "payments"), "a", "billing")

    truth, lines = told(tell)
    duplicate = {"topic": "orders", "partition": 0, "offset": 2, "correlationId": "a", "clientId": "shop"}
    assert [line for line in lines if line["what"] == "duplicated"] == [{"what": "duplicated"} | duplicate]
    assert truth.counts == {"produced": 4, "duplicated": 1}


def test_a_message_that_is_read_once_by_each_group_is_never_read_again():
    def tell(truth):
        for group in ("billing", "shipping"):
            truth.consumed(at(0), group, "a", "one")

    assert deliveries(tell) == [(0, 1, None), (0, 1, None)]


def test_what_is_read_again_after_its_commit_was_rewound():
    def tell(truth):
        for offset in (0, 1):
            truth.consumed(at(offset), "billing", "a", "one")
        truth.committed(at(1), "billing", "one")
        truth.rewound(at(-1), "billing", "one", 1)
        for offset in (0, 1, 2):
            truth.consumed(at(offset), "billing", "a", "one")

    assert deliveries(tell)[2:] == [(0, 2, "rewind"), (1, 2, "rewind"), (2, 1, None)]


def test_what_is_read_again_without_a_commit_is_due_to_a_rebalance():
    def tell(truth):
        truth.consumed(at(0), "billing", "a", "one")
        truth.committed(at(0), "billing", "one")
        truth.consumed(at(1), "billing", "b", "one")
        truth.crashed("billing", "one")
        truth.consumed(at(1), "billing", "b", "two")
        truth.consumed(at(1), "billing", "b", "three")

    assert deliveries(tell) == [(0, 1, None), (1, 1, None), (1, 2, "rebalance"), (1, 3, "rebalance")]


def test_it_knows_where_each_partition_ends():
    truth, _ = told(lambda truth: [truth.produced(place, "a", "shop") for place in (at(3), at(2), at(9, "payments"))])
    assert truth.ends("orders") == {0: 3}
    assert truth.ends("payments") == {0: 9}


def test_failures_are_nowhere_and_losses_are_somewhere():
    def tell(truth):
        truth.failed("orders", "a", "shop", "MSG_SIZE_TOO_LARGE")
        truth.lost(at(5), "b", "till")

    _, [failed, lost] = told(tell)
    assert (failed["offset"], failed["error"]) == (-1, "MSG_SIZE_TOO_LARGE")
    assert (lost["what"], lost["offset"]) == ("lost", 5)


def test_without_a_file_it_is_only_counted():
    truth = Truth()
    truth.produced(at(0), "a", "shop")
    assert truth.counts == {"produced": 1}
