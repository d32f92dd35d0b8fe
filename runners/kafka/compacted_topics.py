"""Which business topics lose messages on purpose: those that the brokers compact."""

from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

from pipeline.config.settings import Settings
from pipeline.topic_names import followed
from runners.kafka.admin import TIMEOUT_S, reason, result

if TYPE_CHECKING:
    from confluent_kafka.admin import AdminClient

BATCH = 500
"""Topics in one question."""


class Refusal(NamedTuple):
    """A topic that the brokers say nothing about, and why; its name is empty where they list no topics."""

    topic: str
    why: str


def with_compacted_topics(admin: "AdminClient", settings: Settings, tell: Callable[[str], None]) -> Settings:
    """The settings, with `compacted.topics` as the brokers say if it is empty.

    What they do not say is not known: `tell` hears of it once, and those topics count as never compacted.
    """
    if settings.compacted_topics:
        return settings
    compacted, refused = ask(admin, settings)
    if refused:
        others = f" and {len(refused) - 1} more" if len(refused) > 1 else ""
        tell(
            f"Warning: the brokers do not say whether {refused[0].topic or 'any topic'}{others} is compacted "
            f"({refused[0].why}). What compaction takes there may be found lost or unconsumed: allow DESCRIBE_CONFIGS, "
            "or set compacted.topics."
        )
    return settings.model_copy(update={"compacted_topics": ",".join(sorted(compacted))})


def ask(admin: "AdminClient", settings: Settings) -> tuple[list[str], list[Refusal]]:
    """The business topics that are compacted, and those that the brokers say nothing about."""
    from confluent_kafka import KafkaException
    from confluent_kafka.admin import ConfigResource, ResourceType

    compacted, refused = [], []
    try:
        names = _business_topics(admin, settings)
        for start in range(0, len(names), BATCH):
            resources = [ConfigResource(ResourceType.TOPIC, name) for name in names[start : start + BATCH]]
            for resource, answer in admin.describe_configs(resources, request_timeout=TIMEOUT_S).items():
                try:
                    policy = result(answer)["cleanup.policy"].value
                except (KafkaException, TimeoutError) as error:
                    refused.append(Refusal(resource.name, reason(error) or "no answer in time"))
                    continue
                if "compact" in str(policy).split(","):
                    compacted.append(resource.name)
    except KafkaException as error:
        refused.append(Refusal("", reason(error)))
    return compacted, refused


def _business_topics(admin: "AdminClient", settings: Settings) -> list[str]:
    """The topics whose messages are followed: neither Kafka's own nor ours."""
    ours = {settings.tracing_topic, *settings.output_topics()}
    is_followed = followed(settings.topics_include, settings.topics_exclude)
    topics = admin.list_topics(timeout=TIMEOUT_S).topics
    return [
        name
        for name in sorted(topics)
        if name not in ours and not name.startswith("__") and (is_followed is None or is_followed(name))
    ]
