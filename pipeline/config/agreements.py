"""Settings that contradict each other, in sentences with `name=value` for each of them."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pipeline.config.settings import Settings


def disagreements(settings: "Settings", topics: Mapping[str, str]) -> list[str]:
    """All mistakes; `topics` are those that we read for traces and write, by the name of their setting."""
    mistakes = [
        f"retention.ms={settings.retention_ms} is shorter than {name}={wait}: raise it to {wait} or more"
        for name, wait in (
            ("hold.send.ms", settings.hold_send_ms),
            ("hold.ack.ms", settings.hold_ack_ms),
            ("hold.consume.ms", settings.hold_consume_ms),
            ("hold.commit.ms", settings.hold_commit_ms),
            ("unacked.ms", settings.unacked_ms),
            ("commit.reorder.ms", settings.commit_reorder_ms),
        )
        if wait > settings.retention_ms
    ]
    if settings.flink_max_parallelism < settings.flink_parallelism:
        mistakes.append(
            f"flink.max.parallelism={settings.flink_max_parallelism} is below "
            f"flink.parallelism={settings.flink_parallelism}: raise the first, or lower the second"
        )
    if settings.observe_topics and settings.kafka_io == "java":
        mistakes.append(
            f"observe.topics={settings.observe_topics} cannot be read by kafka.io=java: take native, or observe nothing"
        )
    return mistakes + _shared_topics(topics)


def _shared_topics(topics: Mapping[str, str]) -> list[str]:
    """Mistakes of topics with one name: what is written would be read again, or mixed up."""
    seen: dict[str, str] = {}
    mistakes = []
    for name, topic in topics.items():
        if topic in seen:
            mistakes.append(f"{name}={topic} is also {seen[topic]}: give each its own topic")
        seen.setdefault(topic, name)
    return mistakes
