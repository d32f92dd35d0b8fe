"""Raw traces as the aggregator reads them: key and value of a record, in JSON.

Instants are nanoseconds since the epoch, `record_timestamp` is in milliseconds.
"""

import os
from datetime import UTC, datetime
from functools import lru_cache
from json.encoder import encode_basestring_ascii as _quoted
from typing import NamedTuple

NANOS = 1_000_000_000
#: The partition and the offset of a message that has none.
NOWHERE = -1


class Trace(NamedTuple):
    """One phase of one message. It is made where the message passes, and becomes bytes elsewhere."""

    kind: str
    at: int
    client_id: str
    topic: str
    partition: int = NOWHERE
    offset: int = NOWHERE
    correlation_id: str | None = None
    group_id: str | None = None
    record_timestamp: int | None = None
    error: str | None = None

    def record(self) -> tuple[str, str]:
        """Key and value. They are put together by hand, because this is most of what tracing costs."""
        own = f'"id":"{new_id()}","date":"{date_of(self.at)}","type":"{self.kind}","clientId":{_quoted(self.client_id)}'
        topic = f'"topic":{_quoted(self.topic)}'
        name = "" if self.correlation_id is None else f'"correlationId":{_quoted(self.correlation_id)}'
        if self.kind == "SEND":
            return f"{{{name}}}", f"{{{own},{topic},{name}}}"
        key = f'{topic},"partition":{self.partition},"offset":{self.offset}'
        if self.group_id is not None:
            key += f',"groupId":{_quoted(self.group_id)}'
        value = f"{own},{key}"
        if name:
            value += f",{name}"
        if self.record_timestamp is not None:
            value += f',"recordTimestamp":{self.record_timestamp}'
        if self.error is not None:
            value += f',"error":{_quoted(self.error)}'
        return f"{{{key}}}", f"{{{value}}}"


def new_id() -> str:
    """A random UUID of version 4, as `str(uuid.uuid4())` in half the time."""
    text = os.urandom(16).hex()
    return f"{text[:8]}-{text[8:12]}-4{text[13:16]}-{'89ab'[int(text[16], 16) & 3]}{text[17:20]}-{text[20:]}"


def date_of(nanos: int) -> str:
    """ISO-8601 in UTC with nine digits of a second."""
    seconds, fraction = divmod(nanos, NANOS)
    return f"{_second(seconds)}.{fraction:09d}Z"


@lru_cache(maxsize=64)
def _second(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S")
