"""Dead letters: the original bytes, whole or in parts."""

from base64 import b64decode
from random import Random
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from transforms.input import dead_letters
from transforms.input.dead_letters import PART_BYTES, DeadLetter, to_key_values
from transforms.input.records import KafkaRecord


def any_letter(**overrides: Any) -> DeadLetter:
    """A dead letter of this record."""
    fields = {"topic": "t", "partition": 1, "offset": 2, "timestamp": 3, "key": b"k", "value": b"v"}
    return DeadLetter(KafkaRecord(**fields | overrides), "reason", "detail")


def envelopes(letter: DeadLetter) -> list[dict[str, Any]]:
    return [orjson.loads(value) for _, value in to_key_values(letter)]


def joined(parts: list[dict[str, Any]], name: str) -> bytes | None:
    pieces = [part[name] for part in parts]
    return None if None in pieces else b"".join(map(b64decode, pieces))


def test_a_letter_says_where_it_comes_from_and_why():
    [(key, value)] = to_key_values(any_letter())
    assert orjson.loads(key) == {"topic": "t", "partition": 1, "offset": 2}
    assert orjson.loads(value) == {
        "id": "t/1/2", "reason": "reason", "detail": "detail", "topic": "t", "partition": 1, "offset": 2,
        "timestamp": 3, "key": "aw==", "value": "dg==",
    }  # fmt: skip


@pytest.mark.parametrize(("key", "value"), [(None, b""), (b"", None), (None, None)])
def test_null_stays_null_and_empty_stays_empty(key, value):
    parts = envelopes(any_letter(key=key, value=value))
    assert [key, value] == [joined(parts, "key"), joined(parts, "value")]


@pytest.mark.parametrize("key_size", [0, 1, PART_BYTES, PART_BYTES + 5])
@pytest.mark.parametrize("value_size", [PART_BYTES - 1, PART_BYTES, PART_BYTES + 1, 3 * PART_BYTES])
def test_large_records_leave_in_parts_that_a_broker_takes_and_that_join_again(key_size, value_size):
    random = Random(0)  # noqa: S311
    key, value = random.randbytes(key_size), random.randbytes(value_size)
    records = list(to_key_values(any_letter(key=key, value=value)))
    parts = [orjson.loads(part) for _, part in records]
    assert [key, value] == [joined(parts, "key"), joined(parts, "value")]
    assert all(len(part) < 1_000_000 for _, part in records)
    assert len({key for key, _ in records}) == 1
    assert len({part["id"] for part in parts}) == len(parts)
    if len(parts) > 1:
        assert [(n + 1, len(parts)) for n in range(len(parts))] == [(part["part"], part["parts"]) for part in parts]


@given(st.none() | st.binary(max_size=40), st.none() | st.binary(max_size=40), st.integers(1, 12))
def test_parts_of_any_size_join_again(key, value, size):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(dead_letters, "PART_BYTES", size)
        parts = envelopes(any_letter(key=key, value=value))
    assert [key, value] == [joined(parts, "key"), joined(parts, "value")]
