"""The loop that every sink shares: read a batch, have it written, write its dead letters, then commit its offsets.

Whatever fails in between, the batch comes again: at least once. The other system must take a record twice as once.
"""

import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from threading import Event
from typing import TYPE_CHECKING, Any, Protocol

from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition

from pipeline.config.client_properties import to_librdkafka
from pipeline.config.load import Config
from pipeline.errors import UserError
from runners.kafka.admin import TIMEOUT_S, Admin, code, reason
from runners.kafka.kafka_commands import KafkaCommands
from runners.kafka.topic_tail import record_of
from tracing_aggregator.sinks.letters import Letters
from tracing_aggregator.sinks.retry import Persistence, StoppedError
from transforms.input.dead_letters import DeadLetter
from transforms.input.records import KafkaRecord

if TYPE_CHECKING:
    from confluent_kafka import Message

BATCH = 1000
POLL_S = 0.5
#: How often a line says how many records were written.
TELL_S = 60.0
#: A batch may take as long as a sink persists, and its dead letters and its commit some time more.
_SLACK_MS = 120_000
_NOT_ALLOWED = frozenset({KafkaError.TOPIC_AUTHORIZATION_FAILED, KafkaError.GROUP_AUTHORIZATION_FAILED})


class Target(Protocol):
    """A system to write to."""

    def begin(self, persistence: Persistence) -> None:
        """Make sure that it is there and ready."""

    def write(self, records: Sequence[KafkaRecord], persistence: Persistence, tally: Counter[str]) -> list[DeadLetter]:
        """Returns when it has acknowledged the records; those that it refuses for good come back.

        `tally` counts what became of them, in words for a person.

        Raises StoppedError or UserError when it has not acknowledged them.
        """


def carry(
    config: Config, name: str, topics: Sequence[str], target: Target, stop: Event, tell: Callable[[str], None]
) -> Counter[str]:
    """Carry the records of these topics to the target, until `stop` is set; returns the tally.

    Offsets are those of the consumer group `<application.id>-<name>`.

    Raises:
        UserError: brokers or target refuse, or did not answer for `sink.retry.ms`.
    """
    settings = config.settings
    group = f"{settings.application_id}-{name}"
    admin = Admin(config)
    existing = admin.client.list_topics(timeout=TIMEOUT_S).topics
    if missing := [topic for topic in topics if topic not in existing]:
        tell(f"There is no topic {', '.join(missing)} yet; read once it is there. See: tracing-aggregator topics")
    persistence = Persistence(settings.sink_retry_ms / 1000, stop, tell)
    tally: Counter[str] = Counter()
    consumer = Consumer(_properties(config, group))
    try:
        target.begin(persistence)
        consumer.subscribe(list(topics))
        tell(f"Reading {', '.join(topics)} at {settings.bootstrap_servers} as group {group}. Ctrl-C ends it.")
        with Letters(config) as letters:
            told = time.monotonic()
            while not stop.is_set():
                records = _records(consumer.consume(BATCH, POLL_S), KafkaCommands(settings.bootstrap_servers, admin))
                if records:
                    refused = target.write(records, persistence, tally)
                    letters.write(refused)
                    tally["dead letters"] += len(refused)
                    _commit(consumer, records, tell)
                if tally and time.monotonic() - told >= TELL_S:
                    told = time.monotonic()
                    tell(summary(tally))
    except StoppedError:
        tell("Stopped while waiting: the records in hand come again at the next start.")
    finally:
        consumer.close()
    return tally


def summary(tally: Counter[str]) -> str:
    """What was done so far, as a line."""
    counts = ", ".join(f"{count} {what}" for what, count in tally.items() if count)
    return f"{counts}." if counts else "Nothing to write."


def _properties(config: Config, group: str) -> dict[str, Any]:
    given = to_librdkafka(config.consumer_properties())
    longest = config.settings.sink_retry_ms + _SLACK_MS
    return {
        **given,
        "group.id": group,
        "enable.auto.commit": False,
        "enable.auto.offset.store": False,
        "max.poll.interval.ms": max(longest, int(given.get("max.poll.interval.ms", 0))),
        "topic.metadata.refresh.interval.ms": 30_000,
        "log_level": 0,
    }


def _records(messages: "Iterable[Message]", commands: KafkaCommands) -> list[KafkaRecord]:
    """Records; errors of brokers pass, and those that do not pass by themselves are told."""
    records = []
    for message in messages:
        error = message.error()
        if error is None:
            records.append(record_of(message))
        elif error.code() in _NOT_ALLOWED:
            what = "group NAME" if error.code() == KafkaError.GROUP_AUTHORIZATION_FAILED else f"topic {message.topic()}"
            raise UserError(f"The brokers refuse: {error.str()}.", commands.grant(["READ"], what))
        elif error.fatal():
            raise UserError(f"The Kafka client cannot go on: {error.str()}.", "Start the sink again.")
    return records


def _commit(consumer: Consumer, records: Sequence[KafkaRecord], tell: Callable[[str], None]) -> None:
    """A commit that fails costs only that records come again: the next one makes up for it."""
    ends = {(record.topic, record.partition): record.offset + 1 for record in records}
    places = [TopicPartition(topic, partition, end) for (topic, partition), end in ends.items()]
    try:
        consumer.commit(offsets=places, asynchronous=False)
    except KafkaException as error:
        if code(error) in _NOT_ALLOWED:
            why = f"The brokers refuse to commit offsets: {reason(error)}."
            raise UserError(why, "Grant READ on the group.") from error
        tell(f"Offsets could not be committed: {reason(error)}. Some records may come again.")
