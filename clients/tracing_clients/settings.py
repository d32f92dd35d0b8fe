"""What a client's configuration says about tracing, told apart from what is Kafka's.

| property | default | meaning |
|---|---|---|
| `tracing.enabled` | true | false: a plain client |
| `tracing.topic` | `_tracing` | where traces go |
| `tracing.traceparent` | false | without a `correlationId` header, the trace-id of a W3C `traceparent` header is it |
| `tracing.queue.max` | 100000 | traces that may wait to be sent; more are dropped and counted |
| `tracing.close.ms` | 2000 | how long closing a client may wait for its traces |
| `tracing.producer.*` | | properties of the producer that sends traces |
"""

import logging
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

PREFIX = "tracing."
PRODUCER = "tracing.producer."
#: The default of librdkafka.
CLIENT_ID = "rdkafka"
# How to reach the cluster, and who we are there. Nothing that makes a producer transactional, idempotent or slow.
INHERITED = (
    "bootstrap.servers",
    "metadata.broker.list",
    "security.",
    "sasl.",
    "ssl.",
    "enable.ssl.",
    "enable.sasl.",
    "https.",
    "oauth_cb",
    "socket.",
    "broker.address.",
    "client.dns.lookup",
    "client.rack",
)
# Records that are small, many and alike, sent when there is time.
OWN = {"linger.ms": 50, "compression.type": "lz4", "message.timeout.ms": 60_000, "log_level": 0}

log = logging.getLogger("tracing_clients")


class Settings(NamedTuple):
    """How one client is traced; `producer` configures the producer that sends its traces."""

    client_id: str
    producer: dict[str, Any]
    enabled: bool = True
    topic: str = "_tracing"
    traceparent: bool = False
    queue_max: int = 100_000
    close_ms: int = 2000


def split(config: Mapping[str, Any]) -> tuple[dict[str, Any], Settings]:
    """The configuration without what is ours, and what is ours; our mistakes are logged, and the default holds."""
    plain = {name: value for name, value in config.items() if not name.startswith(PREFIX)}
    given = {name: value for name, value in config.items() if name.startswith(PREFIX)}
    client_id = str(plain.get("client.id", CLIENT_ID))
    inherited = {name: value for name, value in plain.items() if name.startswith(INHERITED)}
    own = {name.removeprefix(PRODUCER): given.pop(name) for name in list(given) if name.startswith(PRODUCER)}
    producer = inherited | OWN | {"client.id": f"{client_id}-tracing"} | own
    known = {name: given.pop(PREFIX + name.replace("_", "."), None) for name in READERS}
    for name in given:
        log.warning("%s is no property of tracing, so it does nothing", name)
    read = {name: _read(name, value) for name, value in known.items() if value is not None}
    return plain, Settings(client_id, producer)._replace(**{name: v for name, v in read.items() if v is not None})


def _read(name: str, value: Any) -> Any:
    try:
        return READERS[name](value)
    except (ValueError, TypeError):
        log.warning("%s%s=%r is not understood; the default holds", PREFIX, name.replace("_", "."), value)
        return None


def is_true(value: Any) -> bool:
    """Whether a property says yes, in the words that librdkafka knows; ValueError if they are others."""
    words = {"true": True, "t": True, "1": True, "false": False, "f": False, "0": False}
    if (word := str(value).lower()) in words:
        return words[word]
    raise ValueError(value)


READERS: dict[str, Callable[[Any], Any]] = {
    "enabled": is_true,
    "topic": str,
    "traceparent": is_true,
    "queue_max": int,
    "close_ms": int,
}
