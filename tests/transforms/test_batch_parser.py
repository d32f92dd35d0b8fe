"""The batch parser: for any bytes it says what the strict parser says."""

from pathlib import Path
from random import Random
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.envelope import from_line
from tests.fuzz import test_targets as fuzzed
from tests.histories import START, any_trace, date_at, value_of
from transforms.input import batch_parser
from transforms.input.batch_parser import parse_traces
from transforms.input.records import ACK, COMMIT, CONSUME, SEND, UNKNOWN
from transforms.input.strict_parser import MAX_VALUE_BYTES, Refused, parse_trace

HOUR = 3_600_000
REAL = [
    (record.value or b"", record.timestamp)
    for record in map(from_line, (Path(__file__).parents[1] / "data" / "real_traces.jsonl").read_bytes().splitlines())
]
GOOD = [orjson.dumps(value_of(any_trace(id=f"i{number}", at=number))) for number in range(20)]


def same(values: list[bytes | None], timestamps: list[int] | None = None) -> list[Any]:
    """What both ways say, which is the same."""
    timestamps = timestamps or [START] * len(values)
    strict = [parse_trace(value, timestamp, HOUR) for value, timestamp in zip(values, timestamps, strict=True)]
    assert parse_traces(values, timestamps, HOUR) == strict
    return strict


def amid(value: bytes | None, timestamp: int = START) -> Any:
    """What a value is in the midst of good ones, which are what they are without it."""
    said = same([*GOOD[:10], value, *GOOD[10:]], [START] * 10 + [timestamp] + [START] * 10)
    assert not any(isinstance(one, Refused) for number, one in enumerate(said) if number != 10)
    return said[10]


def field(text: str) -> bytes:
    """A good trace with one field more, as text."""
    return GOOD[0][:-1] + b"," + text.encode("utf-8", "surrogatepass") + b"}"


def test_genuine_traces_are_what_they_are_one_by_one():
    values, timestamps = map(list, zip(*REAL, strict=True))
    assert not any(isinstance(one, Refused) for one in same(values, timestamps))


def test_a_good_batch_needs_no_second_look(monkeypatch):
    monkeypatch.setattr(batch_parser, "parse_trace", None)
    values, timestamps = map(list, zip(*REAL, strict=True))
    assert len(parse_traces(values, timestamps, HOUR)) == len(REAL)
    named = [field('"recordTimestamp":5')] * 20
    assert [trace.extra for trace in parse_traces(named, [-1] * 20, HOUR)] == [{"recordTimestamp": 5}] * 20


@pytest.mark.parametrize("bad", [b"{", None, b"", field('"other":1'), field('"nanos":5')])
def test_one_bad_value_in_a_thousand_costs_few_others_a_second_look(monkeypatch, bad):
    looks = []
    monkeypatch.setattr(batch_parser, "parse_trace", lambda *given: looks.append(given) or parse_trace(*given))
    values = [*GOOD * 25, bad, *GOOD * 25][:1000]
    assert len(parse_traces(values, [START] * 1000, HOUR)) == 1000
    assert len(looks) <= 10


@pytest.mark.parametrize(
    "value",
    [
        b"", None, b"{}", b"[]", b"null", b"]", b"[", b"],[", b"{},{}", b"{}]", b"[{}]", b",", b"{", b"}", b'"', b"\0",
        GOOD[0] + b"\0", GOOD[0] + b",", GOOD[0] + b"]", b"," + GOOD[0], b"[" + GOOD[0], b" " + GOOD[0] + b"\r\n\t ",
        GOOD[0] + GOOD[1], GOOD[0] + b"," + GOOD[1], GOOD[0] + b"\n" + GOOD[1], GOOD[0] + b"],[" + GOOD[1],
        GOOD[0][:-1], GOOD[0][1:], b"\xef\xbb\xbf" + GOOD[0], GOOD[0].decode().encode("utf-16"),
        GOOD[0].replace(b'"i0"', b'"\xff"'), GOOD[0].replace(b'"i0"', b'"\xed\xa0\x80"'),
        GOOD[0].replace(b'"i0"', b'"a\nb"'), GOOD[0].replace(b'"i0"', b'"\\ud800"'),
        GOOD[0].replace(b'"i0"', b'"\\ud83d\\ude00\\u0000"'), GOOD[0].replace(b'"id"', b'"\\u0069d"'),
        GOOD[0].replace(b'"type"', b'"t\\u0079pe"'), GOOD[0].replace(b'"CONSUME"', b'"\\u0043ONSUME"'),
        GOOD[0].replace(b'"partition":0', b'"partition":-0'), GOOD[0].replace(b'"partition":0', b'"partition":0.0'),
        GOOD[0].replace(b'"partition":0', b'"partition":0e0'), GOOD[0].replace(b'"partition":0', b'"partition":00'),
        field('"type":"ACK"'), field('"type":7'), field('"id":7'), field('"id":"last"'), field('"id":null'),
        field('"offset":1.0'), field('"offset":1e400'), field(f'"offset":{2**64}'), field(f'"offset":{10**400}'),
        field('"nanos":1'), field('"timestamp":1'), field('"extra":{"a":1}'), field('"extra":null'),
        field('"nanos":null'), field('"client_id":"c"'), field('"recordTimestamp":null'), field('"recordTimestamp":-1'),
        field('"recordTimestamp":1.5'), field(f'"recordTimestamp":{2**63}'), field('"recordTimestamp":1,"a":2'),
        field('"a":2,"recordTimestamp":1'), field('"record_timestamp":1'), field('"durationMs":1'),
        field('"deep":' + "[" * 300 + "]" * 300), field('"deep":' + "[" * 5000), field('"x":"\ud800"'),
        b'{"deep":' + b"[" * 5000 + b"]" * 5000 + b"," + GOOD[0][1:], b'{"a":{"type":"SEND"},' + GOOD[0][1:],
        GOOD[0] + b" " * (MAX_VALUE_BYTES - len(GOOD[0])), GOOD[0] + b" " * (MAX_VALUE_BYTES + 1 - len(GOOD[0])),
    ],
)  # fmt: skip
def test_what_could_break_out_of_a_batch_is_what_it_is_alone(value):
    amid(value)


@pytest.mark.parametrize("cut", range(1, len(GOOD[0])))
def test_values_that_are_pieces_of_one_trace_do_not_become_one(cut):
    """The batch has as many traces as values: one value holds two, and two hold one."""
    two = GOOD[1] + b"," + GOOD[2]
    said = same([*GOOD[:9], two, GOOD[0][:cut], GOOD[0][cut:], *GOOD[9:]])
    assert all(isinstance(one, Refused) for one in said[9:12])


def test_values_that_are_one_trace_with_a_comma_between_them_do_not_become_one():
    two = GOOD[1] + b"," + GOOD[2]
    fields = GOOD[0].split(b",")
    for count in range(1, len(fields)):
        said = same([*GOOD[:9], two, b",".join(fields[:count]), b",".join(fields[count:]), *GOOD[9:]])
        assert all(isinstance(one, Refused) for one in said[9:12])


@pytest.mark.parametrize("between", [b"}", b'},{"', b'"', b'":"', b"{", b",", b"\\", b"\n{", b"},\n{"])
def test_values_that_hold_each_other_by_a_text_do_not_become_one(between):
    first = b'{"id":"a' + between
    second = b"{" + between + b'b",' + GOOD[0][1:]
    same([*GOOD, GOOD[1] + b"," + GOOD[2], first, second])


@pytest.mark.parametrize("timestamp", [-1, -(2**70), 0, START - HOUR, START - HOUR - 1, 2**62, 2**63 - 1, 2**64, 2**70])
def test_any_timestamp_of_a_record_is_judged_as_alone(timestamp):
    amid(GOOD[0], timestamp)


@pytest.mark.parametrize("nanos", [(START + HOUR) * 10**6 + 999_999, (START + HOUR + 1) * 10**6])
def test_a_date_is_held_against_its_record_as_alone(nanos):
    amid(orjson.dumps(value_of(any_trace(date=date_at(nanos)))))


@pytest.mark.parametrize(("partition", "offset"), [(-1, -1), (2, -1), (-1, 5), (0, 0), (2**31 - 1, 2**63 - 1), (-2, 0)])
def test_the_position_of_an_ack_is_judged_as_alone(partition, offset):
    amid(orjson.dumps(value_of(any_trace(type=ACK, partition=partition, offset=offset))))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
NAMES = ["type", "id", "date", "clientId", "topic", "groupId", "correlationId", "partition", "offset"]
NAMES += ["recordTimestamp", "error", "nanos", "timestamp", "extra", "revision"]


@st.composite
def nearly(draw: st.DrawFn) -> bytes:
    """A trace with a few fields that are others."""
    kind = draw(st.sampled_from([SEND, ACK, CONSUME, COMMIT]))
    document = value_of(any_trace(type=kind)) | draw(st.dictionaries(st.sampled_from(NAMES), JSON, max_size=2))
    for name in draw(st.lists(st.sampled_from(sorted(document)), max_size=1)):
        del document[name]
    return fuzzed.text_of(document)


PIECES = [b'"', b"{", b"}", b"[", b"]", b",", b"\\", b"\n", b"1.0"]


@st.composite
def mutated(draw: st.DrawFn) -> bytes:
    """A genuine trace with some of its bytes replaced, taken out or doubled."""
    value, _ = draw(st.sampled_from(REAL))
    for _ in range(draw(st.integers(0, 3))):
        start = draw(st.integers(0, len(value)))
        piece = draw(st.binary(max_size=2) | st.sampled_from(PIECES))
        value = value[:start] + piece + value[start + draw(st.integers(0, 3)) :]
    return value


VALUES = st.none() | st.binary(max_size=40) | JSON.map(fuzzed.text_of) | nearly() | mutated() | fuzzed.traces()
PAIRS = st.tuples(VALUES, st.sampled_from([-1, 0, START, REAL[0][1], 2**63 - 1]))


@settings(max_examples=600, deadline=None)
@given(st.lists(PAIRS, max_size=6), st.randoms(use_true_random=False))
def test_any_mixture_of_bytes_is_what_each_is_alone(pairs, random: Random):
    pairs += random.sample(REAL, 12)
    random.shuffle(pairs)
    values, timestamps = map(list, zip(*pairs, strict=True))
    same(values, timestamps)


@settings(max_examples=300, deadline=None)
@given(st.binary(min_size=1, max_size=6), st.data())
def test_a_trace_that_is_cut_anywhere_and_mixed_with_anything_is_what_it_is_alone(piece, data):
    joined = b"".join(GOOD[number] for number in range(12))
    cuts = sorted(data.draw(st.lists(st.integers(0, len(joined)), min_size=9, max_size=12)))
    values: list[bytes | None] = [
        joined[start:end] + data.draw(st.sampled_from([b"", b"", piece]))
        for start, end in zip([0, *cuts], [*cuts, len(joined)], strict=True)
    ]
    same(values)


def test_what_the_client_says_of_our_fields_is_passed_through_and_not_believed():
    trace = amid(field('"nanos":1,"timestamp":2,"extra":{"a":3},"recordTimestamp":4'))
    assert trace.extra == {"nanos": 1, "timestamp": 2, "extra": {"a": 3}, "recordTimestamp": 4}
    assert (trace.nanos, trace.timestamp, trace.record_timestamp) == (START * 10**6, START, 4)
    assert amid(GOOD[0]).record_timestamp == UNKNOWN
    assert amid(GOOD[0]).type == CONSUME
