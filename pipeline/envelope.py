"""The JSON envelope of `kcat -J`: one record a line, so that kcat pipes in and out."""

from typing import Any

import orjson

from transforms.input.records import Header, KafkaRecord


def from_line(line: bytes) -> KafkaRecord:
    """The record in a line. A missing timestamp is -1, a missing topic empty.

    Raises ValueError when the line is no such envelope.
    """
    envelope: Any = orjson.loads(line)
    if type(envelope) is not dict:
        raise ValueError(f"a JSON {type(envelope).__name__} where an object is expected")
    if envelope.keys().isdisjoint({"payload", "headers", "key", "offset"}):
        raise ValueError("the object has none of the fields payload, key, headers and offset")
    return KafkaRecord(
        _field(envelope, "topic", str, ""),
        _field(envelope, "partition", int, -1),
        _field(envelope, "offset", int, -1),
        _field(envelope, "ts", int, -1),
        _bytes(envelope, "key"),
        _bytes(envelope, "payload"),
        _headers(envelope.get("headers")),
    )


def to_line(topic: str, key: bytes, value: bytes) -> bytes:
    """The line, with its end, for a record that we write."""
    return orjson.dumps(
        {"topic": topic, "key": key.decode(), "payload": value.decode()}, option=orjson.OPT_APPEND_NEWLINE
    )


def _field(envelope: dict[str, Any], name: str, kind: type, default: Any) -> Any:
    value = envelope.get(name)
    if value is None:
        return default
    if type(value) is not kind:
        raise ValueError(f"{name} is {value!r:.100}, not a {kind.__name__}")
    return value


def _bytes(envelope: dict[str, Any], name: str) -> bytes | None:
    text = _field(envelope, name, str, None)
    return None if text is None else str(text).encode()


def _headers(flat: Any) -> tuple[Header, ...]:
    """`[name, value, name, value]` as pairs."""
    if flat is None:
        return ()
    if type(flat) is not list or len(flat) % 2:
        raise ValueError(f"headers is {flat!r:.100}, not a list of names and values")
    return tuple(
        Header(str(name), None if value is None else str(value).encode())
        for name, value in zip(flat[::2], flat[1::2], strict=True)
    )
