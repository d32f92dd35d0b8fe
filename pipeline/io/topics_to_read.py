"""Which topics are read: the tracing topic, and business topics whose headers are asked for."""

from typing import NamedTuple

from pipeline.config.settings import Settings
from pipeline.topic_names import topic_pattern

Partition = tuple[str, int]
"""Topic and number of a partition."""


class TopicsToRead(NamedTuple):
    """The choice that the settings make; `ours` are the topics that we write, which are never read."""

    tracing: str
    messages: str
    include: str
    exclude: str
    ours: frozenset[str]

    @classmethod
    def of(cls, settings: Settings) -> "TopicsToRead":
        """The choice of these settings."""
        return cls(
            settings.tracing_topic,
            settings.trace_topics,
            settings.topics_include,
            settings.topics_exclude,
            frozenset(settings.output_topics()),
        )

    def has(self, topic: str) -> bool:
        """Whether a topic is read."""
        return topic == self.tracing or self._is_business_topic(topic)

    def _is_business_topic(self, topic: str) -> bool:
        wanted, include, exclude = map(topic_pattern, (self.messages, self.include, self.exclude))
        return (
            wanted is not None
            and wanted.fullmatch(topic) is not None
            and topic not in self.ours
            and not topic.startswith("__")
            and (include is None or include.fullmatch(topic) is not None)
            and (exclude is None or exclude.fullmatch(topic) is None)
        )
