"""What clients here have in common: names and places of messages, and callbacks that tell the truth."""

from collections.abc import Callable
from typing import Any

from confluent_kafka import KafkaError, Message

from tracing_aggregator.traffic.truth import Place, Truth
from tracing_clients.correlation import CORRELATION_ID

__all__ = ["CORRELATION_ID", "WITHIN_S", "delivery_to", "name_of", "place_of"]

WITHIN_S = 30


def place_of(message: Message) -> Place:
    """Where a message lies that was delivered or read."""
    return Place(str(message.topic()), int(message.partition() or 0), int(message.offset() or 0))


def name_of(message: Message) -> str:
    """The correlationId of a message that was read; empty if it has none."""
    headers: Any = message.headers() or []
    return next((value.decode() for header, value in headers if header == CORRELATION_ID), "")


def delivery_to(truth: Truth, name: str, client: str) -> Callable[[KafkaError | None, Message], None]:
    """A delivery callback for the message of this name."""

    def delivered(error: KafkaError | None, message: Message) -> None:
        if error is None:
            truth.produced(place_of(message), name, client)
        else:
            truth.failed(str(message.topic()), name, client, error.name())

    return delivered
