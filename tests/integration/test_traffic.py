"""Traffic with every fault at once, on a real broker: what the aggregator and its dashboard say is what it did."""

import json
import time
from collections import Counter
from collections.abc import Iterator

import pytest
from confluent_kafka import Producer

from runners.kafka.broker import Broker
from tests.integration import truth_on_the_dashboard as on_the_dashboard
from tests.integration.aggregations import directly, settings, tracing_aggregator
from tests.integration.dashboards import Dashboard

pytestmark = pytest.mark.integration
WAIT_MS = 3000
WAITS = dict.fromkeys(
    ("unacked_ms", "lost_ms", "unconsumed_ms", "uncommitted_ms", "consumption_buffer_ms"), str(WAIT_MS)
)
FAULTS = ("--loss=0.05", "--duplicate=0.05", "--slow-consumer=5", "--rewind", "--crash")
PLACE = ("topic", "partition", "offset")


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A broker of its own: the topics of the traffic have names that others use too."""
    with Broker(tmp_path_factory.mktemp("broker")) as broker:
        yield broker.bootstrap_servers


@pytest.fixture(scope="module")
def given(servers: str, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    followed = {"topics_include": "orders,payments", "trace_topics": "orders,payments"}
    patient = {"hold_consume_ms": "30000", "hold_ack_ms": "30000", "anomaly_burst": "100000"}
    return settings(servers, "traffic", tmp_path_factory.mktemp("traffic"), **followed, **patient, **WAITS)


@pytest.fixture(scope="module")
def told(servers: str, given: dict[str, str], tmp_path_factory: pytest.TempPathFactory):
    """The truth by what it says, and the outcome."""
    folder = tmp_path_factory.mktemp("truth")
    truth = folder / "truth.jsonl"
    tracing_aggregator("traffic", "--rate=30", "--seconds=12", f"--truth={truth}", *FAULTS, given=given)
    time.sleep(1.5 * WAIT_MS / 1000)
    producer = Producer({"bootstrap.servers": servers})
    producer.produce("payments", b"past all deadlines", partition=0)
    assert producer.flush(30) == 0
    lines = [json.loads(line) for line in truth.read_text().splitlines()]
    return [*lines, {"what": "unread", "topic": "payments"}], directly(given)


@pytest.fixture(scope="module")
def dashboard(told, given: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Dashboard]:
    """A dashboard that has read all that the aggregator wrote."""
    with Dashboard(tmp_path_factory.mktemp("dashboard"), given) as running:
        running.wait_until_all_is_read()
        yield running


def true(told, what: str) -> list[dict]:
    return [line for line in told[0] if line["what"] == what]


def found(told, reason: str) -> list[dict]:
    return [finding for finding in told[1].findings.values() if finding["reason"] == reason]


def by(values: list[dict], *fields: str) -> Counter:
    return Counter(tuple(value[field] for field in fields) for value in values)


@pytest.mark.parametrize("what", ["lost", "duplicated", "rewound", "crashed"])
def test_each_fault_has_happened(told, what):
    assert true(told, what)


def test_what_is_lost_is_found_lost(told):
    assert by(found(told, "lost"), *PLACE, "correlationId") == by(true(told, "lost"), *PLACE, "correlationId")


def test_what_is_lost_is_read_by_nobody(told):
    missed = [line | {"groupId": group} for line in true(told, "lost") for group in ("billing", "shipping")]
    assert by(found(told, "unconsumed"), *PLACE, "groupId") == by(missed, *PLACE, "groupId")


def test_what_is_sent_twice_is_found_twice_in_both_topics(told):
    twice = true(told, "duplicated")
    assert {line["topic"] for line in twice} == {"orders", "payments"}
    assert by(found(told, "duplicate-produced"), *PLACE, "correlationId") == by(twice, *PLACE, "correlationId")


def test_what_is_read_again_is_found_with_its_cause(told):
    again = [line for line in true(told, "consumed") if line["delivery"] > 1]
    assert {line["cause"] for line in again} == {"rewind", "rebalance"}
    fields = (*PLACE, "groupId", "clientId", "cause")
    said = by([line | {"deliveryCount": line["delivery"]} for line in again], *fields, "deliveryCount")
    assert by(found(told, "over-consumed"), *fields, "deliveryCount") == said


def test_what_is_set_back_is_found_rewound(told):
    fields = (*PLACE, "groupId", "fromOffset")
    assert by(found(told, "rewound"), *fields) == by(true(told, "rewound"), *fields)


def test_nothing_else_is_found(told):
    expected = {"lost", "unconsumed", "duplicate-produced", "over-consumed", "rewound"}
    assert {finding["reason"] for finding in told[1].findings.values()} == expected


def test_every_message_has_the_traces_that_the_truth_knows(told):
    for what, kind in (("produced", "ACK"), ("consumed", "CONSUME")):
        traces = by(told[1].of(kind), *PLACE, "correlationId", "clientId")
        lost = by(true(told, "lost") if kind == "ACK" else [], *PLACE, "correlationId", "clientId")
        assert traces == by(true(told, what), *PLACE, "correlationId", "clientId") + lost


@pytest.mark.parametrize(
    "agree",
    [
        on_the_dashboard.flows_agree,
        on_the_dashboard.findings_agree,
        on_the_dashboard.charts_agree,
        on_the_dashboard.messages_agree,
    ],
)
def test_the_dashboard_says_what_is_true(told, dashboard, agree):
    agree(dashboard, told[0])
