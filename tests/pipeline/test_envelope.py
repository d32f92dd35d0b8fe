"""The envelope of `kcat -J`."""

from contextlib import suppress

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.envelope import from_line, to_line
from transforms.input.records import Header, KafkaRecord


def test_a_line_of_kcat_gives_the_record():
    line = (
        b'{"topic":"t","partition":3,"offset":7,"tstype":"create","ts":5,"broker":1,'
        b'"headers":["a","1","b",null],"key":"k","payload":"v"}'
    )
    assert from_line(line) == KafkaRecord("t", 3, 7, 5, b"k", b"v", (Header("a", b"1"), Header("b", None)))


def test_what_a_line_leaves_out_is_unknown():
    assert from_line(b'{"payload":"v"}') == KafkaRecord("", -1, -1, -1, None, b"v", ())
    assert from_line(b'{"key":null,"payload":null,"headers":null}') == KafkaRecord("", -1, -1, -1, None, None, ())


@pytest.mark.parametrize(
    "line",
    [
        b"", b"x", b"[]", b"7", b"{}", b'{"topic":"t"}', b'{"payload":1}', b'{"payload":"v","ts":"now"}',
        b'{"payload":"v","partition":1.5}', b'{"payload":"v","partition":true}', b'{"payload":"v","key":{}}',
        b'{"payload":"v","headers":{}}', b'{"payload":"v","headers":["a"]}', b'{"payload":"\xff"}',
    ],
)  # fmt: skip
def test_a_line_that_is_no_envelope_is_refused(line):
    with pytest.raises(ValueError):  # noqa: PT011  any message will do
        from_line(line)


@given(st.text(st.characters(codec="utf-8")), st.text(st.characters(codec="utf-8")))
def test_what_we_write_can_be_read_again(key, value):
    line = to_line("t", key.encode(), value.encode())
    assert line.endswith(b"\n")
    assert line.count(b"\n") == 1
    assert from_line(line) == KafkaRecord("t", -1, -1, -1, key.encode(), value.encode(), ())
    assert orjson.loads(line).keys() == {"topic", "key", "payload"}


@given(st.binary(max_size=200))
def test_any_bytes_are_a_record_or_a_value_error(line):
    with suppress(ValueError):
        assert isinstance(from_line(line), KafkaRecord)
