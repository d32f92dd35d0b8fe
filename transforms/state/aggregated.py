"""The records of the aggregated topic, as the wire contract has them."""

from typing import Any

from msgspec import Struct, json, to_builtins

from transforms.input.json_bytes import dump
from transforms.input.records import COMMIT, KeyValue


class AggregatedTrace(Struct, omit_defaults=True, rename="camel", gc=False):
    """A raw trace with what was found out about it; what is None is unknown and left out.

    `duration_ms` is the time since its partner, `delivery_count` is of CONSUMEs, and `settled_by`, `repeated` and
    `withdrawn` are of COMMITs. `revision` is there from the second record of an id on.
    """

    id: str
    date: str
    type: str
    topic: str
    partition: int | None = None
    offset: int | None = None
    correlation_id: str | None = None
    client_id: str | None = None
    group_id: str | None = None
    duration_ms: int | None = None
    delivery_count: int | None = None
    settled_by: int | None = None
    repeated: bool | None = None
    withdrawn: bool | None = None
    revision: int = 1
    cluster: str | None = None


class _SendKey(Struct, rename="camel", gc=False):
    topic: str
    correlation_id: str | None


class _PlaceKey(Struct, rename="camel", gc=False):
    topic: str
    partition: int | None
    offset: int | None


class _CommitKey(Struct, rename="camel", gc=False):
    topic: str
    partition: int | None
    offset: int | None
    group_id: str | None


_encode = json.Encoder().encode


def record(trace: AggregatedTrace, extra: dict[str, Any] | None = None) -> KeyValue:
    """Key and value of an aggregated trace. `extra` are fields to pass through; none of them replaces one of ours."""
    key: Struct
    if trace.partition is None:
        key = _SendKey(trace.topic, trace.correlation_id)
    elif trace.type == COMMIT:
        key = _CommitKey(trace.topic, trace.partition, trace.offset, trace.group_id)
    else:
        key = _PlaceKey(trace.topic, trace.partition, trace.offset)
    if extra:
        return _encode(key), dump({**extra, **to_builtins(trace)})
    return _encode(key), _encode(trace)
