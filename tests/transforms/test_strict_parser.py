"""ParseTraces: what is a trace, and why what is not is refused."""

from base64 import b64decode
from typing import Any

import orjson
import pytest
from apache_beam.runners.direct import DirectRunner  # noqa: F401  makes Beam's counters available
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.histories import START, any_trace, date_at, value_of
from transforms import packs
from transforms.aggregated import aggregated
from transforms.dead_letters import DeadLetter, to_key_values
from transforms.parse_traces import HEARTBEAT_KEY, MAX_VALUE_BYTES, _ParseRecord, parse_trace
from transforms.records import ACK, COMMIT, CONSUME, SEND, Header, KafkaRecord, Trace

HOUR = 3_600_000


def any_record(value: Any = None, **overrides: Any) -> KafkaRecord:
    """A record of the tracing topic; `value` is bytes, or what becomes JSON."""
    if value is not None and not isinstance(value, bytes):
        value = orjson.dumps(value)
    fields = {"topic": "_tracing", "partition": 3, "offset": 42, "timestamp": START, "key": b"{}", "value": value}
    return KafkaRecord(**fields | overrides)


def any_value(kind: str = CONSUME, **overrides: Any) -> dict[str, Any]:
    """The value of a valid trace; a field given as None is left out."""
    value = value_of(any_trace(type=kind)) | overrides
    return {name: field for name, field in value.items() if field is not None}


def reason(value: Any, **overrides: Any) -> str:
    """Why this value is refused."""
    parsed = parse_trace(any_record(value, **overrides), HOUR)
    assert isinstance(parsed, DeadLetter), parsed
    return parsed.reason


@pytest.mark.parametrize("kind", [SEND, ACK, CONSUME, COMMIT])
def test_a_valid_trace_of_each_phase_gives_all_its_fields(kind):
    trace = any_trace(type=kind, id="i", client_id="c", topic="t", extra={"zone": {"rack": 7}})
    assert trace == parse_trace(any_record(value_of(trace)), HOUR)


def test_an_ack_may_name_its_correlation_id():
    trace = any_trace(type=ACK, correlation_id="x")
    assert trace == parse_trace(any_record(value_of(trace)), HOUR)


@pytest.mark.parametrize(("partition", "offset"), [(-1, -1), (2, -1), (0, 0), (2**31 - 1, 2**63 - 1)])
def test_an_ack_may_lack_its_offset_or_its_whole_position(partition, offset):
    parsed = parse_trace(any_record(any_value(ACK, partition=partition, offset=offset)), HOUR)
    assert (parsed.partition, parsed.offset) == (partition, offset)


def test_a_commit_may_be_at_the_start_of_a_partition():
    assert parse_trace(any_record(any_value(COMMIT, offset=-1)), HOUR).offset == -1


@pytest.mark.parametrize(
    "name", ["durationMs", "deliveryCount", "settledBy", "repeated", "withdrawn", "revision", "cluster"]
)
def test_fields_that_only_we_write_are_not_taken_from_input(name):
    assert parse_trace(any_record(any_value(**{name: 1})), HOUR).extra is None


def test_a_record_without_a_timestamp_takes_that_of_its_date():
    parsed = parse_trace(any_record(any_value(date="2030-01-01T00:00:00.0019Z"), timestamp=-1), HOUR)
    assert parsed.timestamp == 1_893_456_000_001


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
        (any_value(groupId=None), "missing-field"),
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
    assert reason(None) == "no-value"


def test_the_limits_themselves_are_taken():
    value = any_value(id="x" * 1024, topic="t" * 249, date="2000-01-01T00:00:00Z")
    assert isinstance(parse_trace(any_record(value), HOUR), Trace)
    filled = orjson.dumps(any_value())
    assert isinstance(parse_trace(any_record(filled + b" " * (MAX_VALUE_BYTES - len(filled))), HOUR), Trace)


def test_a_date_may_lie_the_allowed_time_after_its_record_and_not_longer():
    latest = (START + HOUR) * 10**6 + 999_999
    assert isinstance(parse_trace(any_record(any_value(date=date_at(latest))), HOUR), Trace)
    assert reason(any_value(date=date_at(latest + 1))) == "date-out-of-range"


@pytest.mark.parametrize("depth", [100, 200, 250, 254, 300, 1000])
def test_what_is_taken_can_also_be_written_however_deep_it_nests(depth):
    nested = b'{"deep":' + b"[" * depth + b"]" * depth + b"," + orjson.dumps(any_value())[1:]
    parsed = parse_trace(any_record(nested), HOUR)
    if isinstance(parsed, DeadLetter):
        assert nested == parsed.record.value
        assert depth > 200
    else:
        assert packs.encode([("C", [parsed.extra])])
        assert aggregated(CONSUME, "i", parsed.date, "c", "t", extra=parsed.extra)


@pytest.mark.parametrize("timestamp", [2**40 * 1000, 2**62, 2**63 - 1])
def test_a_timestamp_beyond_any_calendar_is_refused(timestamp):
    assert reason(any_value(), timestamp=timestamp) == "timestamp-out-of-range"


def outputs(record: KafkaRecord, follows: Any = None) -> list[Any]:
    return list(_ParseRecord(HOUR, follows).process(record))


def test_a_heartbeat_is_no_trace_and_no_dead_letter():
    assert outputs(any_record(None, key=HEARTBEAT_KEY)) == []


def test_traces_of_topics_that_are_not_followed_are_dropped():
    assert outputs(any_record(any_value(topic="other")), lambda topic: topic == "topic") == []
    assert len(outputs(any_record(any_value(topic="topic")), lambda topic: topic == "topic")) == 1


SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20)
JSON = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
NEARLY = st.fixed_dictionaries(
    {},
    optional={
        "type": st.sampled_from([SEND, ACK, CONSUME, COMMIT]) | JSON,
        "id": st.just("i") | JSON,
        "date": st.just(date_at(START * 10**6)) | JSON,
        "clientId": st.just("c") | JSON,
        "topic": st.just("t") | JSON,
        "groupId": st.just("g") | JSON,
        "correlationId": st.just("x") | JSON,
        "partition": st.integers(-3, 3) | JSON,
        "offset": st.integers(-3, 3) | JSON,
        "other": JSON,
    },
)


def dumped(document: Any) -> bytes:
    try:
        return orjson.dumps(document)
    except (orjson.JSONEncodeError, UnicodeEncodeError):
        return repr(document).encode("utf-8", "replace")


@settings(max_examples=400, deadline=None)
@given(
    st.binary(max_size=300) | JSON.map(dumped) | NEARLY.map(dumped),
    st.none() | st.binary(max_size=20),
    st.sampled_from([-1, 0, START, 2**63 - 1]),
)
def test_whatever_comes_is_one_trace_or_one_dead_letter_with_its_exact_bytes(value, key, timestamp):
    record = any_record(value, key=key, timestamp=timestamp, headers=(Header("h", b"v"),))
    parsed = parse_trace(record, HOUR)
    if isinstance(parsed, Trace):
        assert packs.decode(packs.encode([tuple(parsed)]))
    else:
        [(_, envelope)] = to_key_values(parsed)
        letter = orjson.loads(envelope)
        assert [key, value] == [None if letter[name] is None else b64decode(letter[name]) for name in ("key", "value")]
        assert [letter[name] for name in ("topic", "partition", "offset")] == ["_tracing", 3, 42]
    assert len(outputs(record)) == 1
