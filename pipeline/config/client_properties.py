"""Kafka client properties under their Java names, translated for librdkafka (confluent-kafka).

A property that is in none of the tables below is one that only Java has (serializers, interceptors, metrics): dropped.
"""

from collections.abc import Callable, Mapping

from pipeline.config.jaas import jaas_properties
from pipeline.config.references import looked_up
from pipeline.config.tls_stores import keystore_properties, truststore_properties
from pipeline.errors import UserError

# Same name, same meaning, same values.
_SAME = frozenset(
    """
    acks allow.auto.create.topics auto.commit.interval.ms batch.size bootstrap.servers check.crcs client.dns.lookup
    client.id client.rack compression.type connections.max.idle.ms delivery.timeout.ms enable.auto.commit
    enable.idempotence enable.metrics.push fetch.max.bytes fetch.min.bytes group.id group.instance.id group.protocol
    group.remote.assignor heartbeat.interval.ms isolation.level linger.ms max.in.flight.requests.per.connection
    max.partition.fetch.bytes max.poll.interval.ms metadata.max.age.ms metadata.recovery.rebootstrap.trigger.ms
    metadata.recovery.strategy reconnect.backoff.max.ms reconnect.backoff.ms retries retry.backoff.max.ms
    retry.backoff.ms sasl.kerberos.service.name sasl.mechanism sasl.oauthbearer.assertion.algorithm
    sasl.oauthbearer.assertion.claim.aud sasl.oauthbearer.assertion.claim.exp.seconds
    sasl.oauthbearer.assertion.claim.iss sasl.oauthbearer.assertion.claim.jti.include
    sasl.oauthbearer.assertion.claim.nbf.seconds sasl.oauthbearer.assertion.claim.sub
    sasl.oauthbearer.assertion.file sasl.oauthbearer.assertion.private.key.file
    sasl.oauthbearer.assertion.private.key.passphrase sasl.oauthbearer.client.credentials.client.id
    sasl.oauthbearer.client.credentials.client.secret sasl.oauthbearer.scope sasl.oauthbearer.token.endpoint.url
    security.protocol session.timeout.ms socket.connection.setup.timeout.ms transaction.timeout.ms transactional.id
    """.split()
)

# Another name, same meaning and values.
_RENAMED = {
    "fetch.max.wait.ms": "fetch.wait.max.ms",
    "max.request.size": "message.max.bytes",
    "sasl.oauthbearer.assertion.template.file": "sasl.oauthbearer.assertion.jwt.template.file",
    "ssl.keystore.certificate.chain": "ssl.certificate.pem",
    "ssl.keystore.key": "ssl.key.pem",
    "ssl.truststore.certificates": "ssl.ca.pem",
}

# Values that mean "leave it to the system", spelled otherwise.
_SYSTEM_BUFFER = {"-1": "0"}


def _kilobytes(size: str) -> str:
    return str(max(1, int(size) // 1_024))


def _offset_reset(policy: str) -> str:
    if policy.lower().startswith("by_duration"):
        raise UserError(
            f"auto.offset.reset={policy}: only Java's consumer can start at a duration.",
            "Choose earliest, latest or none.",
        )
    return "error" if policy == "none" else policy


# Another value, and often another name.
_CONVERTED: dict[str, tuple[str, Callable[[str], str]]] = {
    "auto.offset.reset": ("auto.offset.reset", _offset_reset),
    "buffer.memory": ("queue.buffering.max.kbytes", _kilobytes),
    "receive.buffer.bytes": ("socket.receive.buffer.bytes", lambda size: _SYSTEM_BUFFER.get(size, size)),
    # librdkafka takes no more than five minutes.
    "request.timeout.ms": ("socket.timeout.ms", lambda millis: str(min(int(millis), 300_000))),
    "send.buffer.bytes": ("socket.send.buffer.bytes", lambda size: _SYSTEM_BUFFER.get(size, size)),
    "ssl.endpoint.identification.algorithm": (
        "ssl.endpoint.identification.algorithm",
        lambda algorithm: algorithm.lower() or "none",
    ),
}


def to_librdkafka(java: Mapping[str, str]) -> dict[str, str]:
    """Translate Java client properties into librdkafka's.

    Args:
        java: properties by their Java names, without the prefixes `consumer.`, `producer.`, `admin.`.

    Returns:
        Properties for `confluent_kafka.Consumer`, `Producer` or `AdminClient`, with what references stand for. Holds
        secrets: never show it.

    Raises:
        UserError: a value that only Java can use (a JKS store, a login module of one's own), and what to use instead;
            or a reference that leads nowhere.
    """
    java = looked_up(java)
    translated = {name: value for name, value in java.items() if name in _SAME}
    translated |= {_RENAMED[name]: value for name, value in java.items() if name in _RENAMED}
    for name, (theirs, convert) in _CONVERTED.items():
        if name in java:
            translated[theirs] = _converted(name, java[name], convert)
    translated |= truststore_properties(java)
    translated |= keystore_properties(java)
    translated |= jaas_properties(java)
    if "sasl.oauthbearer.token.endpoint.url" in translated:
        translated["sasl.oauthbearer.method"] = "oidc"
    return translated


def _converted(name: str, value: str, convert: Callable[[str], str]) -> str:
    try:
        return convert(value)
    except ValueError as error:
        raise UserError(f"{name}={value} must be a whole number.") from error
