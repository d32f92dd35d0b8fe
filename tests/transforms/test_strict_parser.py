"""The strict parser: what is a trace, and why what is not is refused."""

from typing import Any

import orjson
import pytest

from tests.histories import START, any_trace, date_at, value_of
from transforms.input.records import ACK, COMMIT, CONSUME, SEND
from transforms.input.strict_parser import MAX_VALUE_BYTES, Refused, parse_trace
from transforms.input.traces import Trace
from transforms.join.block_view import BlockView
from transforms.state.aggregated import AggregatedTrace, record
from transforms.state.facts import Reads
from transforms.state.packs import pack_of

HOUR = 3_600_000


def parsed(value: Any, timestamp: int = START) -> Trace | Refused:
    """What a value is: bytes, or what becomes JSON."""
    return parse_trace(value if isinstance(value, bytes) else orjson.dumps(value), timestamp, HOUR)


def any_value(kind: str = CONSUME, **overrides: Any) -> dict[str, Any]:
    """The value of a valid trace; a field given as None is left out."""
    value = value_of(any_trace(type=kind)) | overrides
    return {name: field for name, field in value.items() if field is not None}


def reason(value: Any, timestamp: int = START) -> str:
    """Why this value is refused."""
    refused = parsed(value, timestamp)
    assert isinstance(refused, Refused), refused
    return refused.reason


@pytest.mark.parametrize("kind", [SEND, ACK, CONSUME, COMMIT])
def test_a_valid_trace_of_each_phase_gives_all_its_fields(kind):
    trace = any_trace(type=kind, id="i", client_id="c", topic="t", extra={"zone": {"rack": 7}})
    assert trace == parsed(value_of(trace))


def test_an_ack_may_name_its_correlation_id():
    trace = any_trace(type=ACK, correlation_id="x")
    assert trace == parsed(value_of(trace))


@pytest.mark.parametrize(("partition", "offset"), [(-1, -1), (2, -1), (0, 0), (2**31 - 1, 2**63 - 1)])
def test_an_ack_may_lack_its_offset_or_its_whole_position(partition, offset):
    ack = parsed(any_value(ACK, partition=partition, offset=offset))
    assert (ack.partition, ack.offset) == (partition, offset)


def test_a_commit_may_be_at_the_start_of_a_partition():
    assert parsed(any_value(COMMIT, offset=-1)).offset == -1


@pytest.mark.parametrize(
    "name", ["durationMs", "deliveryCount", "settledBy", "repeated", "withdrawn", "revision", "cluster"]
)
def test_fields_that_only_we_write_are_not_taken_from_input(name):
    assert parsed(any_value(**{name: 1})).extra is None


def test_a_record_without_a_timestamp_takes_that_of_its_date():
    trace = parsed(any_value(date="2030-01-01T00:00:00.0019Z"), timestamp=-1)
    assert trace.timestamp == 1_893_456_000_001


@pytest.mark.parametrize(
    ("said", "taken"), [(5, 5), (0, 0), (2**63 - 1, 2**63 - 1), (-1, -1), (2**63, -1), ("5", -1), (5.0, -1), (True, -1)]
)
def test_the_timestamp_of_the_message_is_taken_if_it_is_one_and_passed_through_in_any_case(said, taken):
    trace = parsed(any_value(recordTimestamp=said))
    assert trace.record_timestamp == taken
    assert trace.extra == {"recordTimestamp": said}


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (b"", "no-value"),
        (b"\xff\xfe", "not-json"),
        (b"{", "not-json"),
        (b"NaN", "not-json"),
        (b'{"id":"\\ud800"}', "not-json"),
        (b"[" * 5000, "not-json"),
        (b"[]", "not-an-object"),
        (b"null", "not-an-object"),
        (b'"SEND"', "not-an-object"),
        (b" " * (MAX_VALUE_BYTES + 1), "too-large"),
        ({}, "unknown-type"),
        (any_value(type="send"), "unknown-type"),
        (any_value(type=["SEND"]), "unknown-type"),
        (any_value(id=None), "missing-field"),
        (any_value(id=""), "wrong-field"),
        (any_value(id=7), "wrong-field"),
        (any_value(id="x" * 1025), "wrong-field"),
        (any_value(clientId=None), "missing-field"),
        (any_value(topic=None), "missing-field"),
        (any_value(topic="x" * 250), "wrong-field"),
        (any_value(groupId=7), "wrong-field"),
        (any_value(COMMIT, groupId=None), "missing-field"),
        (any_value(correlationId=None), "missing-field"),
        (any_value(SEND, correlationId=None), "missing-field"),
        (any_value(ACK, correlationId=3), "wrong-field"),
        (any_value(partition=None), "missing-field"),
        (any_value(partition=-1), "wrong-field"),
        (any_value(partition=2**31), "wrong-field"),
        (any_value(partition="0"), "wrong-field"),
        (any_value(partition=True), "wrong-field"),
        (any_value(offset=1.0), "wrong-field"),
        (any_value(offset=-1), "wrong-field"),
        (any_value(offset=2**63), "wrong-field"),
        (any_value(COMMIT, offset=-2), "wrong-field"),
        (any_value(ACK, partition=-1, offset=5), "wrong-field"),
        (any_value(date=None), "missing-field"),
        (any_value(date="yesterday"), "wrong-field"),
        (any_value(date=1_585_150_861), "wrong-field"),
        (any_value(date="1999-12-31T23:59:59.999999999Z"), "date-out-of-range"),
    ],
)
def test_bad_input_is_refused_with_its_reason(value, expected):
    assert expected == reason(value)


def test_a_null_value_is_refused():
    assert parse_trace(None, START, HOUR).reason == "no-value"


def test_the_limits_themselves_are_taken():
    value = any_value(id="x" * 1024, topic="t" * 249, date="2000-01-01T00:00:00Z")
    assert isinstance(parsed(value), Trace)
    filled = orjson.dumps(any_value())
    assert isinstance(parsed(filled + b" " * (MAX_VALUE_BYTES - len(filled))), Trace)


def test_a_date_may_lie_the_allowed_time_after_its_record_and_not_longer():
    latest = (START + HOUR) * 10**6 + 999_999
    assert isinstance(parsed(any_value(date=date_at(latest))), Trace)
    assert reason(any_value(date=date_at(latest + 1))) == "date-out-of-range"


@pytest.mark.parametrize("depth", [100, 200, 250, 254, 300, 1000])
def test_what_is_taken_can_also_be_written_however_deep_it_nests(depth):
    nested = b'{"deep":' + b"[" * depth + b"]" * depth + b"," + orjson.dumps(any_value())[1:]
    trace = parsed(nested)
    if isinstance(trace, Refused):
        assert depth > 200
    else:
        reads = Reads.of([trace], b"\3", group_id=trace.group_id)
        assert BlockView.decode(pack_of([reads])) == [reads]
        assert record(AggregatedTrace("i", trace.date, CONSUME, "t"), trace.extra)


@pytest.mark.parametrize("timestamp", [2**40 * 1000, 2**62, 2**63 - 1])
def test_a_timestamp_beyond_any_calendar_is_refused(timestamp):
    assert reason(any_value(), timestamp=timestamp) == "timestamp-out-of-range"
