"""Which clock event time follows on the tracing topic, and records that let it start in partitions without any."""

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, NamedTuple

from pipeline.client_properties import to_librdkafka
from pipeline.config import Config
from runners.positions import Position, group_consumer, positions
from runners.reads import Partitions
from transforms.parse_traces import HEARTBEAT_KEY

if TYPE_CHECKING:
    from confluent_kafka import Consumer
    from confluent_kafka.admin import AdminClient

TIMEOUT_S = 15
LOG_APPEND_TIME, CREATE_TIME = "LogAppendTime", "CreateTime"


class Policy(NamedTuple):
    """KafkaIO's name of a timestamp policy, and why it was chosen."""

    name: str
    reason: str


def choose_policy(config: Config, admin: "AdminClient", found: Partitions) -> Policy:
    """LogAppendTime where the topic is set so and no unread record is older than that, else CreateTime.

    With LogAppendTime empty and idle partitions let time pass. But it stops the job at a record that has CreateTime.
    """
    topic = config.settings.tracing_topic
    try:
        kind = _timestamp_type(admin, topic)
    except Exception as error:  # noqa: BLE001 - whatever the reason, the other policy always works
        return Policy(CREATE_TIME, f"the configuration of {topic} cannot be read: {error}")
    if kind != LOG_APPEND_TIME:
        return Policy(CREATE_TIME, f"{topic} has message.timestamp.type={kind}")
    with group_consumer(config) as consumer:
        for position in positions(consumer, {topic: found[topic]}):
            if position.start < position.end and not _has_append_time(consumer, position):
                return Policy(
                    CREATE_TIME,
                    f"{topic} has message.timestamp.type={kind}, but partition {position.partition} has unread records "
                    "from before that",
                )
    return Policy(LOG_APPEND_TIME, f"{topic} has message.timestamp.type={kind}")


def start_time(config: Config, found: Partitions, tell: Callable[[str], None]) -> None:
    """Writes a heartbeat to each partition of the tracing topic in which a new read finds nothing.

    With CreateTime such a partition would hold back the time of all of them until its first record.
    """
    topic = config.settings.tracing_topic
    with group_consumer(config) as consumer:
        silent = [each.partition for each in positions(consumer, {topic: found[topic]}) if each.start == each.end]
    if not silent:
        return
    if failed := _beat(config, silent):
        tell(f"No heartbeat could be written to {topic}, so holds may not end while it is idle: {failed}.")
    else:
        tell(f"Heartbeat written to {topic}, partitions without unread records: {', '.join(map(str, silent))}.")


def _beat(config: Config, partitions: Iterable[int]) -> str:
    """Writes one record that the parser ignores to each of these partitions; returns what went wrong, if it did."""
    from confluent_kafka import Producer

    errors: list[str] = []
    producer = Producer(to_librdkafka(config.producer_properties()))
    for partition in partitions:
        producer.produce(
            config.settings.tracing_topic,
            key=HEARTBEAT_KEY,
            partition=partition,
            on_delivery=lambda error, _: errors.append(error.str()) if error else None,
        )
    if producer.flush(TIMEOUT_S):
        errors.append("the brokers did not answer in time")
    return errors[0] if errors else ""


def _timestamp_type(admin: "AdminClient", topic: str) -> str:
    from confluent_kafka.admin import ConfigResource

    (answer,) = admin.describe_configs(
        [ConfigResource(ConfigResource.Type.TOPIC, topic)], request_timeout=TIMEOUT_S
    ).values()
    return str(answer.result(TIMEOUT_S)["message.timestamp.type"].value)


def _has_append_time(consumer: "Consumer", position: Position) -> bool:
    from confluent_kafka import TIMESTAMP_LOG_APPEND_TIME, TopicPartition

    consumer.assign([TopicPartition(position.topic, position.partition, position.start)])
    record = consumer.poll(TIMEOUT_S)
    return record is None or record.error() is not None or record.timestamp()[0] == TIMESTAMP_LOG_APPEND_TIME
