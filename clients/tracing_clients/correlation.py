"""Which message it is: the header `correlationId`, or a W3C `traceparent` where that is wanted."""

import re
from typing import TypeAlias

from tracing_clients.traces import new_id

CORRELATION_ID = "correlationId"
TRACEPARENT = "traceparent"
# Version, trace-id, parent-id, flags; later versions may add parts. A trace-id of zeros is none.
_TRACEPARENT = re.compile(r"(?!ff)[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}(-.*)?")

HeaderValue: TypeAlias = str | bytes | None
Headers: TypeAlias = dict[str, HeaderValue] | list[tuple[str, HeaderValue]]


def correlation_of(headers: Headers | None, *, traceparent: bool) -> str | None:
    """The correlationId that these headers give a message, None if they give none. The last of a name counts."""
    texts = {name: _text(value) for name, value in _pairs(headers) if name in {CORRELATION_ID, TRACEPARENT}}
    if name := texts.get(CORRELATION_ID):
        return name
    match = _TRACEPARENT.fullmatch(texts.get(TRACEPARENT, "")) if traceparent else None
    return match[1] if match else None


def with_correlation(headers: Headers | None, *, traceparent: bool) -> tuple[Headers, str]:
    """Headers that name the message, and the name: a random one if they have none. Those given are not changed."""
    if not headers:
        own = new_id()
        return [(CORRELATION_ID, own)], own
    if given := correlation_of(headers, traceparent=False):
        return headers, given
    name = correlation_of(headers, traceparent=traceparent) or new_id()
    others = [(other, value) for other, value in _pairs(headers) if other != CORRELATION_ID]
    return [*others, (CORRELATION_ID, name)], name


def _pairs(headers: Headers | None) -> list[tuple[str, HeaderValue]]:
    return list(headers.items()) if isinstance(headers, dict) else headers or []


def _text(value: HeaderValue) -> str:
    return value.decode(errors="replace") if isinstance(value, bytes) else value or ""
