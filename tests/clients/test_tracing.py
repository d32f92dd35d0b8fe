"""How traces are sent: with a producer of the test's own, and so without any cluster."""

import json
import logging
import re
import threading
import time

import pytest

from tests.clients.mock_cluster import wait_until
from tracing_clients.correlation import correlation_of, with_correlation
from tracing_clients.settings import Settings, split
from tracing_clients.traces import Trace, date_of, new_id
from tracing_clients.tracing import Tracing

TRACE_ID = "4bf92f3577b34da6a3ce929d0e0e4736"
TRACEPARENT = f"00-{TRACE_ID}-00f067aa0ba902b7-01"
SEND = Trace("SEND", 1_585_150_861_365_287_001, "shop", "orders", correlation_id="c")


class Fake:
    """A producer that keeps what it is given, `full` or `broken` if it is told so."""

    def __init__(self, config):
        self.config = config
        self.records = []
        self.full = False
        self.broken = None
        self.in_flight = 0
        self.slow_s = 0.0

    def produce(self, topic, value, key):
        if self.full:
            raise BufferError
        if self.broken:
            raise self.broken
        self.records.append((topic, json.loads(key), json.loads(value)))

    def poll(self, timeout):
        time.sleep(min(timeout, 0.005))
        return 0

    def flush(self, timeout):
        time.sleep(min(timeout, self.slow_s))
        return self.in_flight

    def __len__(self):
        return self.in_flight


def tracing_with(fake, **more):
    return Tracing(Settings("shop", {}, **more), lambda config: fake.__init__(config) or fake)


def test_what_is_added_is_sent():
    fake = Fake({})
    tracing = tracing_with(fake, topic="elsewhere")
    tracing.add(SEND)
    tracing.close()
    [(topic, key, value)] = fake.records
    assert topic == "elsewhere"
    assert key == {"correlationId": "c"}
    assert value["date"] == "2020-03-25T15:41:01.365287001Z"
    assert tracing.stats() == (1, 1, 0, 0, 0, 0)


def test_while_the_producer_is_full_traces_wait_and_beyond_the_bound_they_are_dropped():
    fake = Fake({})
    tracing = tracing_with(fake, queue_max=3, close_ms=5000)
    wait_until(lambda: "on_delivery" in fake.config)
    fake.full = True
    for _ in range(5):
        tracing.add(SEND)
    assert tracing.stats() == (5, 0, 2, 0, 3, 0)
    fake.full = False
    tracing.close()
    assert tracing.stats() == (5, 3, 2, 0, 0, 0)


def test_what_the_producer_has_to_tell_of_itself_does_not_count_as_traces_that_wait():
    fake = Fake({})
    tracing = tracing_with(fake)
    tracing.add(SEND)
    wait_until(lambda: fake.records)
    fake.in_flight = 3
    assert tracing.stats() == (1, 0, 0, 0, 1, 0)
    tracing.close()


def test_an_error_of_the_producer_costs_one_trace_and_is_counted(caplog):
    caplog.set_level(logging.WARNING, "tracing_clients")
    fake = Fake({})
    tracing = tracing_with(fake)
    wait_until(lambda: "on_delivery" in fake.config)
    fake.broken = RuntimeError("no")
    tracing.add(SEND)
    tracing.add(SEND)
    wait_until(lambda: tracing.stats().failed == 2)
    fake.broken = None
    tracing.add(SEND)
    tracing.close()
    assert tracing.stats() == (3, 1, 0, 2, 0, 2)
    assert len([record for record in caplog.records if record.levelno == logging.WARNING]) == 1


def test_what_is_not_delivered_is_counted():
    fake = Fake({})
    tracing = tracing_with(fake)
    tracing.add(SEND)
    wait_until(lambda: fake.records)
    fake.config["on_delivery"]("timed out", None)
    tracing.close()
    assert tracing.stats() == (1, 0, 0, 1, 0, 0)


def test_a_producer_that_cannot_be_made_costs_all_traces_and_nothing_else():
    def fail(config):
        raise ValueError("such a property does not exist")

    tracing = Tracing(Settings("shop", {}), fail)
    wait_until(lambda: tracing.stats().errors)
    tracing.add(SEND)
    tracing.close()
    assert tracing.stats() == (1, 0, 1, 0, 0, 1)


def test_closing_waits_no_longer_than_it_may():
    fake = Fake({})
    tracing = tracing_with(fake, close_ms=100)
    wait_until(lambda: "on_delivery" in fake.config)
    fake.full = True
    fake.slow_s = 60
    tracing.add(SEND)
    began = time.monotonic()
    tracing.close()
    assert time.monotonic() - began < 2
    assert tracing.stats().waiting == 1


def test_after_the_end_traces_are_dropped_and_the_thread_is_gone():
    tracing = tracing_with(Fake({}))
    tracing.close()
    tracing.add(SEND)
    assert tracing.stats().dropped == 1
    assert "shop-tracing" not in {thread.name for thread in threading.enumerate()}


def test_a_trace_is_json_whatever_its_names_are():
    odd = 'a "quoted" \\ name\n☃'
    trace = Trace("CONSUME", 0, odd, odd, 1, 2, odd, odd, 3, odd)
    key, value = map(json.loads, trace.record())
    assert key == {"topic": odd, "partition": 1, "offset": 2, "groupId": odd}
    del value["id"]
    named = {"clientId": odd, "correlationId": odd, "error": odd, "recordTimestamp": 3}
    assert value == {"date": "1970-01-01T00:00:00.000000000Z", "type": "CONSUME"} | key | named


def test_identities_are_uuids_of_version_4():
    version_4 = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")
    assert all(version_4.fullmatch(new_id()) for _ in range(100))


def test_dates_have_nine_digits():
    assert date_of(1_585_150_861_000_000_001) == "2020-03-25T15:41:01.000000001Z"


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        (None, None),
        ({}, None),
        ({"correlationId": "a"}, "a"),
        ({"correlationId": b"a"}, "a"),
        ({"correlationId": None}, None),
        ([("correlationId", b"a"), ("correlationId", b"b")], "b"),
        ([("correlationId", b"\xff")], "\ufffd"),
        ({"traceparent": TRACEPARENT}, TRACE_ID),
        ({"traceparent": TRACEPARENT.encode(), "correlationId": "a"}, "a"),
        ({"traceparent": "00-" + "0" * 32 + "-00f067aa0ba902b7-01"}, None),
        ({"traceparent": "ff" + TRACEPARENT[2:]}, None),
        ({"traceparent": "rubbish"}, None),
    ],
)
def test_headers_name_a_message(headers, expected):
    assert correlation_of(headers, traceparent=True) == expected


def test_a_traceparent_counts_only_where_it_is_wanted():
    assert correlation_of({"traceparent": TRACEPARENT}, traceparent=False) is None


def test_a_message_without_a_name_gets_one_and_its_other_headers_stay():
    given = {"shop": b"berlin", "traceparent": TRACEPARENT}
    headers, name = with_correlation(given, traceparent=True)
    assert headers == [*given.items(), ("correlationId", TRACE_ID)]
    assert name == TRACE_ID
    headers, name = with_correlation([("shop", b"berlin"), ("correlationId", None)], traceparent=False)
    assert headers == [("shop", b"berlin"), ("correlationId", name)]


def test_a_name_that_is_there_stays_and_the_headers_are_the_same_object():
    given = [("correlationId", b"mine")]
    headers, name = with_correlation(given, traceparent=False)
    assert headers is given
    assert name == "mine"


def test_security_is_inherited_and_what_makes_a_producer_transactional_is_not():
    config = {
        "bootstrap.servers": "kafka:9092",
        "sasl.password": "secret",
        "ssl.ca.location": "ca.pem",
        "client.id": "till",
        "transactional.id": "till",
        "enable.idempotence": True,
        "linger.ms": 500,
        "tracing.topic": "traces",
        "tracing.producer.linger.ms": 5,
    }
    plain, settings = split(config)
    assert plain == {name: value for name, value in config.items() if not name.startswith("tracing.")}
    assert (settings.client_id, settings.topic) == ("till", "traces")
    own = settings.producer
    assert (own["sasl.password"], own["ssl.ca.location"], own["linger.ms"]) == ("secret", "ca.pem", 5)
    assert own["client.id"] == "till-tracing"
    assert not {"transactional.id", "enable.idempotence"} & own.keys()


def test_a_mistake_in_our_properties_is_told_and_breaks_nothing(caplog):
    caplog.set_level(logging.WARNING, "tracing_clients")
    _, settings = split({"tracing.queue.max": "many", "tracing.tpoic": "traces", "tracing.enabled": "FALSE"})
    assert (settings.queue_max, settings.topic, settings.enabled) == (100_000, "_tracing", False)
    assert ["tracing.tpoic" in caplog.text, "tracing.queue.max='many'" in caplog.text] == [True, True]
