"""What is read from Kafka at the moment: topics, their partitions, and the read steps that follow from them.

A Kafka read on Flink resumes with the partitions, the readers and the client properties that it had when its state was
saved. So the label of a read step changes with all of these: under a new label the read starts at the committed
offsets of the group, which never lie beyond what was saved, and every other step keeps its state.
"""

import hashlib
import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, NamedTuple

from pipeline.client_properties import to_librdkafka
from pipeline.config import Config
from pipeline.errors import UserError
from pipeline.kafka_read import KafkaRead
from pipeline.settings import Settings
from pipeline.topic_names import topic_pattern

if TYPE_CHECKING:
    from confluent_kafka.admin import AdminClient

TIMEOUT_S = 15

Partitions = Mapping[str, int]
"""Number of partitions by topic."""


class Reads(NamedTuple):
    """The read steps of one job; `headers` is None unless `trace.topics` chooses a topic that exists."""

    tracing: KafkaRead
    headers: KafkaRead | None

    @property
    def labels(self) -> list[str]:
        """The labels of the steps."""
        return [read.label for read in self if read]


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
    return {name: count for name, count in sorted(counts.items()) if _is_read(name, settings)}


def plan(config: Config, found: Partitions, tracing_policy: str) -> Reads:
    """The read steps for these partitions.

    Headers are read by processing time: an idle business topic would stop the time of everything else, and each link
    carries the time of its record anyway.
    """
    tracing = {config.settings.tracing_topic: found[config.settings.tracing_topic]}
    headers = {name: count for name, count in found.items() if name not in tracing}
    return Reads(
        _read("ReadTracing", tracing, tracing_policy, config),
        _read("ReadHeaders", headers, "ProcessingTime", config) if headers else None,
    )


def _read(step: str, found: Partitions, policy: str, config: Config) -> KafkaRead:
    consumer = {**config.consumer_properties(), "enable.auto.commit": "false"}
    identity = json.dumps([found, policy, consumer, config.settings.flink_parallelism], sort_keys=True).encode()
    label = f"{step}-{sum(found.values())}-{hashlib.sha256(identity).hexdigest()[:8]}"
    return KafkaRead(label, tuple(found), policy, consumer)


def _is_read(name: str, settings: Settings) -> bool:
    if name == settings.tracing_topic:
        return True
    ours = settings.output_topics()
    wanted, included, excluded = (
        topic_pattern(text) for text in (settings.trace_topics, settings.topics_include, settings.topics_exclude)
    )
    return (
        wanted is not None
        and wanted.fullmatch(name) is not None
        and name not in ours
        and not name.startswith("__")
        and (included is None or included.fullmatch(name) is not None)
        and (excluded is None or excluded.fullmatch(name) is None)
    )
