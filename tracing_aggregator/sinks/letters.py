"""Dead letters of a sink: records that the other system refuses, with their bytes and the reason."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Self

from confluent_kafka import Producer

from pipeline.config.client_properties import to_librdkafka
from pipeline.config.load import Config
from pipeline.errors import UserError
from transforms.input.dead_letters import DeadLetter, to_key_values

if TYPE_CHECKING:
    from confluent_kafka import KafkaError, Message

_FLUSH_S = 60.0
#: As the pipeline writes them: Java's partitioner.
_OURS = {"enable.idempotence": True, "partitioner": "murmur2_random", "log_level": 0}


class Letters:
    """Writes to the dead letter topic of a configuration."""

    def __init__(self, config: Config) -> None:
        self._topic = config.settings.dead_letter_topic
        self._producer = Producer({**_OURS, **to_librdkafka(config.producer_properties())})
        self._failures: list[str] = []

    def write(self, letters: Iterable[DeadLetter]) -> None:
        """Returns once the brokers have them all; raises UserError if they do not take one."""
        self._failures.clear()
        for letter in letters:
            for key, value in to_key_values(letter):
                self._producer.produce(self._topic, value, key, on_delivery=self._delivered)
                self._producer.poll(0)
        left = self._producer.flush(_FLUSH_S)
        if left or self._failures:
            why = self._failures[0] if self._failures else f"no answer within {_FLUSH_S:.0f} s"
            raise UserError(
                f"{left + len(self._failures)} dead letters could not be written to {self._topic}: {why}.",
                "See: tracing-aggregator check. Nothing is lost: the next start goes on with the same records.",
            )

    def _delivered(self, error: "KafkaError | None", _: "Message") -> None:
        if error is not None:
            self._failures.append(error.str())

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._producer.close()
