"""Reads the values of output records, and refuses what is none: others may write to our topics too."""

from typing import Any

import orjson

from transforms.input.dates import nanos_of
from transforms.input.records import KafkaRecord

Value = dict[str, Any]


class RefusedError(ValueError):
    """A record that the aggregator did not write: the reason, in a word to count by and in a sentence."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason
        self.detail = detail


def value_of(record: KafkaRecord) -> Value | None:
    """The JSON object of a record; None for one without a value, which says nothing. Raises RefusedError."""
    if record.value is None:
        return None
    try:
        value = orjson.loads(record.value)
    except ValueError as error:
        raise RefusedError("not-json", str(error)) from None
    if type(value) is not dict:
        raise RefusedError("not-an-object", f"the value is a JSON {type(value).__name__}")
    return value


def text(value: Value, name: str) -> str:
    """A text that must be there. Raises RefusedError."""
    found = value.get(name)
    if type(found) is str and found:
        return found
    reason = "missing-field" if found is None else "wrong-field"
    raise RefusedError(reason, f"{name} is {found!r:.100}; it must be a text")


def whole(value: Value, name: str) -> int | None:
    """A whole number, None if there is none. Raises RefusedError for anything else."""
    found = value.get(name)
    if found is not None and type(found) is not int:
        raise RefusedError("wrong-field", f"{name} is {found!r:.100}; it must be a whole number")
    return found


def instant(value: Value, name: str) -> int:
    """A date that must be there, in nanoseconds since the epoch. Raises RefusedError."""
    date = text(value, name)
    try:
        return nanos_of(date)
    except ValueError:
        raise RefusedError("wrong-field", f"{name} is {date!r:.100}; it must be ISO-8601 in UTC") from None
