"""Raw traces as the aggregator reads them: key and value of a record, in JSON.

Instants are nanoseconds since the epoch, `record_timestamp` is in milliseconds.
"""

import json
import uuid
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, NamedTuple

NANOS = 1_000_000_000
_encode = json.JSONEncoder(separators=(",", ":"), check_circular=False).encode


class Position(NamedTuple):
    """Where a message lies; -1 and -1: nowhere, the send has failed."""

    topic: str
    partition: int
    offset: int


NOWHERE = -1


class Trace(NamedTuple):
    """One phase of one message. It is made where the message passes, and becomes bytes elsewhere."""

    kind: str
    at: int
    client_id: str
    position: Position
    correlation_id: str | None = None
    group_id: str | None = None
    record_timestamp: int | None = None
    error: str | None = None

    def record(self) -> tuple[str, str]:
        """Key and value."""
        key = self._key()
        fields = {"id": str(uuid.uuid4()), "date": date_of(self.at), "type": self.kind, "clientId": self.client_id}
        more = {
            "topic": self.position.topic,
            "correlationId": self.correlation_id,
            "recordTimestamp": self.record_timestamp,
            "error": self.error,
        }
        told = {name: value for name, value in more.items() if value is not None}
        return _encode(key), _encode(fields | told | key)

    def _key(self) -> dict[str, Any]:
        if self.kind == "SEND":
            return {"correlationId": self.correlation_id}
        key = self.position._asdict()
        return key | {"groupId": self.group_id} if self.group_id is not None else key


def date_of(nanos: int) -> str:
    """ISO-8601 in UTC with nine digits of a second."""
    seconds, fraction = divmod(nanos, NANOS)
    return f"{_second(seconds)}.{fraction:09d}Z"


@lru_cache(maxsize=64)
def _second(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S")
