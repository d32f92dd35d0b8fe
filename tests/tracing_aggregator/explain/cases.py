"""Values of output records, made by hand."""

from typing import Any

from tests.histories import START, date_at

Value = dict[str, Any]
PLACE: Value = {"topic": "orders", "partition": 0, "offset": 42}


def at(millis: float) -> str:
    """The date so many ms after the start."""
    return date_at(START * 10**6 + int(millis * 10**6))


def sent(millis: float = 0, **overrides: Any) -> Value:
    """A SEND of correlationId `c` at orders/0/42; fields that are None are left out."""
    return _record("SEND", millis, {"correlationId": "c", "clientId": "p1"}, overrides)


def acked(millis: float = 12, **overrides: Any) -> Value:
    return _record("ACK", millis, {"correlationId": "c", "clientId": "p1", "durationMs": int(millis)}, overrides)


def consumed(millis: float = 3200, group: str = "billing", **overrides: Any) -> Value:
    known = {"correlationId": "c", "clientId": f"{group}-1", "groupId": group, "deliveryCount": 1}
    return _record("CONSUME", millis, known, overrides)


def committed(millis: float = 4200, group: str = "billing", **overrides: Any) -> Value:
    known = {"correlationId": "c", "clientId": f"{group}-1", "groupId": group}
    return _record("COMMIT", millis, known, overrides)


def found(reason: str, **known: Any) -> Value:
    """An open finding about orders/0/42."""
    return {"id": f"{reason}:subject", "reason": reason, **PLACE, "correlationId": "c", **known}


def _record(kind: str, millis: float, known: Value, overrides: Value) -> Value:
    value = {"id": f"{kind}-{millis}", "type": kind, "date": at(millis), **PLACE, **known, **overrides}
    return {name: fact for name, fact in value.items() if fact is not None}
