"""Asks the brokers about topics, groups and permissions: every wait is bounded, every failure said in plain words."""

from __future__ import annotations

import logging
import re
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar

from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin import AdminClient, ConfigResource, DescribeClusterResult, ResourceType

from pipeline.config.client_properties import to_librdkafka
from pipeline.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from concurrent.futures import Future

    from pipeline.config.load import Config

TIMEOUT_S = 15.0
# A broker that was just started refuses at first; longer than this is not "just".
PATIENCE_S = 3.0
_POLL_S = 0.05
_HOPELESS = frozenset({KafkaError._AUTHENTICATION, KafkaError._SSL})  # noqa: SLF001 - their public names

# What librdkafka adds to a reason: the address before it, the state of the connection after it.
_ADDRESS = re.compile(r"^\S+/(?:bootstrap|\d+): ")
_STATE = re.compile(r"\s*\(after \d+ms in state \w+\).*", re.DOTALL)

T = TypeVar("T")

# librdkafka repeats each failed connection on stderr; what matters comes back as an error.
_log = logging.getLogger(__name__)
_log.addHandler(logging.NullHandler())
_log.propagate = False


class BrokersUnreachableError(UserError):
    """No broker answers, or none lets us in."""


class Admin:
    """An admin client of the configured cluster; connects at construction.

    Raises:
        BrokersUnreachableError: nobody answers at `bootstrap.servers`, or refuses the login.
        UserError: client properties that cannot be used.
    """

    def __init__(self, config: Config) -> None:
        self._errors: list[KafkaError] = []
        self._servers = config.settings.bootstrap_servers
        properties: dict[str, Any] = to_librdkafka(config.admin_properties())
        self.user = properties.get("sasl.username", "")
        self.is_secured = properties.get("security.protocol", "PLAINTEXT").upper() != "PLAINTEXT"
        properties["error_cb"] = self._errors.append
        try:
            self.client = AdminClient(properties, logger=_log)
        except KafkaException as error:
            raise UserError(
                f"The Kafka client refuses its properties: {reason(error)}.", "See them: tracing-aggregator settings"
            ) from error
        self.cluster: DescribeClusterResult = self._connect()

    @property
    def brokers(self) -> int:
        """How many brokers the cluster has now."""
        return len(self.cluster.nodes or ())

    def topic_configs(self, names: list[str]) -> Mapping[str, Future[dict[str, Any]]]:
        """The settings of topics, by topic."""
        resources = [ConfigResource(ResourceType.TOPIC, name) for name in names]
        futures = self.client.describe_configs(resources, request_timeout=TIMEOUT_S) if names else {}
        return {resource.name: future for resource, future in futures.items()}

    def _connect(self) -> DescribeClusterResult:
        answer = self.client.describe_cluster(request_timeout=TIMEOUT_S)
        began = time.monotonic()
        while not answer.done() and not self._is_hopeless(time.monotonic() - began):
            self.client.poll(_POLL_S)
            time.sleep(_POLL_S)
        if not answer.done() or answer.exception():
            raise self._unreachable()
        cluster: DescribeClusterResult = answer.result()
        return cluster

    def _is_hopeless(self, waited_s: float) -> bool:
        codes = {error.code() for error in self._errors}
        return bool(codes & _HOPELESS) or (bool(codes) and waited_s > PATIENCE_S)

    def _unreachable(self) -> BrokersUnreachableError:
        # "All brokers are down" follows each failure and says nothing more.
        told = [error for error in self._errors if error.code() != KafkaError._ALL_BROKERS_DOWN]  # noqa: SLF001
        why = _STATE.sub("", _ADDRESS.sub("", told[-1].str())) if told else "no answer"
        if told and told[-1].code() in _HOPELESS:
            return BrokersUnreachableError(
                f"The brokers at {self._servers} refuse the connection: {why}.",
                "Check security.protocol, sasl.* and ssl.*: tracing-aggregator settings CONFIG.properties",
            )
        return BrokersUnreachableError(
            f"No broker answers at {self._servers}: {why}.",
            "Check bootstrap.servers and security.protocol. A broker for trials: tracing-aggregator broker",
        )


@contextmanager
def talking_to_brokers() -> Iterator[None]:
    """Turn what Kafka refuses unforeseen, or leaves unanswered, into a `UserError`."""
    try:
        yield
    except (KafkaException, TimeoutError) as error:
        why = reason(error) or "no answer in time"
        raise UserError(f"Kafka did not do what was asked: {why}.", "Try again; then see the brokers' log.") from error


def result(future: Future[T]) -> T:
    """The answer of a broker, at most `TIMEOUT_S` later; raises `KafkaException` like the future itself."""
    return future.result(TIMEOUT_S + 5)


def reason(error: BaseException | None) -> str:
    """What Kafka says about a failure, without its class and number."""
    if isinstance(error, KafkaException) and error.args and isinstance(error.args[0], KafkaError):
        told: KafkaError = error.args[0]
        text = told.str().removeprefix("Broker: ").removeprefix("Local: ").rstrip(". ")
        return f"{text} {told.name()}" if text.endswith(":") else text
    return str(error)


def code(error: KafkaException) -> int:
    """The number of a Kafka error, one of the constants of `KafkaError`."""
    return int(error.args[0].code())
