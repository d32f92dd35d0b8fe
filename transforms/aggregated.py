"""The records of the aggregated topic, as the wire contract has them."""

from typing import Any

from transforms.json_bytes import dump


def aggregated(
    trace_type: str,
    identity: str,
    date: str,
    client_id: str,
    topic: str,
    *,
    partition: int | None = None,
    offset: int | None = None,
    group_id: str | None = None,
    correlation_id: str | None = None,
    duration_ms: int | None = None,
    revision: int = 1,
    cluster: str = "",
    extra: dict[str, Any] | None = None,
    **ours: Any,
) -> tuple[bytes, bytes]:
    """Key and value of an aggregated trace; fields that are unknown are left out.

    `ours` are fields of one kind of trace only (`deliveryCount`, `settledBy`, `repeated`, `withdrawn`).
    """
    place: dict[str, Any]
    if partition is None:
        place = {"topic": topic}
        key = {"topic": topic, "correlationId": correlation_id}
    else:
        place = {"topic": topic, "partition": partition, "offset": offset}
        key = place if trace_type != "COMMIT" else {**place, "groupId": group_id}
    value: dict[str, Any] = {"id": identity, "date": date, "type": trace_type, **place}
    if correlation_id is not None:
        value["correlationId"] = correlation_id
    value["clientId"] = client_id
    if group_id is not None:
        value["groupId"] = group_id
    if duration_ms is not None:
        value["durationMs"] = duration_ms
    if ours:
        value |= ours
    if revision > 1:
        value["revision"] = revision
    if cluster:
        value["cluster"] = cluster
    if extra:
        value = {**extra, **value}
    return dump(key), dump(value)
