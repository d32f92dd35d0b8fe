"""Readers with faults, on librdkafka's mock cluster: their truth is what their traces say."""

import io
import json
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from threading import Event

import pytest
from confluent_kafka import KafkaError, KafkaException, TopicPartition

from tests.clients.mock_cluster import mock_cluster, raw_traces
from tracing_aggregator.traffic.groups import PAYMENTS, Forwarder, Reader, _commit_at_last
from tracing_aggregator.traffic.plan import Fault, Order
from tracing_aggregator.traffic.shops import ORDERS, Shops
from tracing_aggregator.traffic.truth import Truth

# The mock cluster is slow to notice that a member has left.
QUIET = {"log_level": 0, "auto.offset.reset": "earliest", "session.timeout.ms": 3000, "heartbeat.interval.ms": 500}


def order(number, fault=Fault.NONE):
    return Order(0.0, "shop-web", f"customer-{number}", b"{}", fault)


def test_what_readers_that_are_set_back_and_crash_say_of_themselves_is_in_their_traces():
    written = io.StringIO()
    truth, sold_out, paid = Truth(written), Event(), Event()
    with mock_cluster() as servers, ThreadPoolExecutor(3) as pool:
        reached = {"bootstrap.servers": servers, "log_level": 0}
        shops = Shops(reached, truth)
        billing = Forwarder("billing", ORDERS, reached | QUIET, reached, truth)
        shipping = Reader("shipping", ORDERS, reached | QUIET, truth)
        accounting = Reader("accounting", PAYMENTS, reached | QUIET, truth)
        for number in range(20):
            shops.sell(order(number, Fault.DUPLICATE if number == 3 else Fault.NONE))
        running = [
            pool.submit(billing.run, sold_out),
            pool.submit(shipping.run, sold_out, rewind_each_s=3, crash_each_s=14),
            pool.submit(accounting.run, paid),
        ]
        deadline = time.monotonic() + 120
        while not {"crashed", "rewound"} <= truth.counts.keys() and time.monotonic() < deadline:
            shops.sell(order(0))
            time.sleep(0.05)
        shops.close()
        sold_out.set()
        running[0].result()
        billing.close()
        paid.set()
        for one in running[1:]:
            one.result()
        traces = [value for _, value in raw_traces(servers)]
    lines = [json.loads(line) for line in written.getvalue().splitlines()]
    fields = ("topic", "partition", "offset", "groupId", "clientId", "correlationId")
    for what, kind in (("produced", "ACK"), ("consumed", "CONSUME")):
        said, traced = (
            Counter(tuple(one.get(field) for field in fields) for one in many if one[name] == value)
            for many, name, value in ((lines, "what", what), (traces, "type", kind))
        )
        assert said == traced
    assert {line["cause"] for line in lines if line.get("cause")} == {"rewind", "rebalance"}
    assert {line["topic"] for line in lines if line["what"] == "duplicated"} == {ORDERS, PAYMENTS}
    assert truth.counts["crashed"] >= 1
    assert {line["clientId"] for line in lines if line["what"] == "crashed"} >= {"shipping-1"}
    committed = Counter((one["offset"], one["partition"], one["groupId"]) for one in traces if one["type"] == "COMMIT")
    assert sum(committed.values()) == truth.counts["committed"] + truth.counts["rewound"]


class Refusing:
    """A consumer whose first commits fail with these codes."""

    def __init__(self, *codes):
        self._codes = list(codes)
        self.committed = []

    def commit(self, *, offsets, asynchronous):
        assert not asynchronous
        if self._codes:
            raise KafkaException(KafkaError(self._codes.pop(0)))
        self.committed += offsets


def test_a_commit_waits_for_the_coordinator_of_its_group():
    consumer, offsets = Refusing(KafkaError._WAIT_COORD, KafkaError.NOT_COORDINATOR), [TopicPartition("orders", 0, 7)]
    _commit_at_last(consumer, offsets)
    assert consumer.committed == offsets


def test_a_commit_that_is_refused_for_good_is_told():
    with pytest.raises(KafkaException):
        _commit_at_last(Refusing(KafkaError.ILLEGAL_GENERATION), [])
