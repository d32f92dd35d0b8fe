"""What there is to read from Kafka as a run starts: topics and their partitions."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from pipeline.config.client_properties import to_librdkafka
from pipeline.config.load import Config
from pipeline.config.settings import Settings
from pipeline.errors import UserError
from pipeline.io.topics_to_read import TopicsToRead

if TYPE_CHECKING:
    from confluent_kafka.admin import AdminClient

TIMEOUT_S = 15

Partitions = Mapping[str, int]
"""Number of partitions by topic."""


def admin_client(config: Config) -> "AdminClient":
    """A client for questions about the cluster."""
    from confluent_kafka.admin import AdminClient

    # What goes wrong comes back as an error; librdkafka would write each lost connection to stderr as well.
    return AdminClient({**to_librdkafka(config.admin_properties()), "log_level": 0})


def partitions(admin: "AdminClient", settings: Settings) -> Partitions:
    """The topics to read that exist now. `UserError` when no broker answers, or there is no tracing topic."""
    from confluent_kafka import KafkaException

    try:
        topics = admin.list_topics(timeout=TIMEOUT_S).topics
    except KafkaException as error:
        raise UserError(
            f"No Kafka broker answers at {settings.bootstrap_servers}: {error.args[0].str()}.",
            "Look into it with: tracing-aggregator check",
        ) from error
    counts = {name: len(topic.partitions) for name, topic in topics.items() if topic.partitions}
    if settings.tracing_topic not in counts:
        raise UserError(
            f"There is no topic {settings.tracing_topic} at {settings.bootstrap_servers}.",
            "Create what is missing: tracing-aggregator topics",
        )
    wanted = TopicsToRead.of(settings)
    return {name: count for name, count in sorted(counts.items()) if wanted.has(name)}


def describe(found: Partitions) -> str:
    """Topics and their numbers of partitions, for a person."""
    shown = ", ".join(f"{topic} ({count} partition{'s' * (count != 1)})" for topic, count in list(found.items())[:3])
    return f"{shown} and {len(found) - 3} more topics" if len(found) > 3 else shown  # noqa: PLR2004 - as above
