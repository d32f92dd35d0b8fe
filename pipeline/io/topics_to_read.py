"""Which topics are read: the tracing topic, business topics whose headers are asked for, and observed topics."""

from typing import NamedTuple

from pipeline.config.settings import Settings
from pipeline.topic_names import topic_pattern
from transforms.observe.consumer_offsets import CONSUMER_OFFSETS

Partition = tuple[str, int]
"""Topic and number of a partition."""


class TopicsToRead(NamedTuple):
    """The choice that the settings make; `ours` are the topics that we write, which are never read.

    Of the topics in `messages` headers are asked for, those in `observed` are observed; a topic may be both.
    """

    tracing: str
    messages: str
    include: str
    exclude: str
    ours: frozenset[str]
    observed: str = ""

    @classmethod
    def of(cls, settings: Settings) -> "TopicsToRead":
        """The choice of these settings."""
        return cls(
            settings.tracing_topic,
            settings.trace_topics,
            settings.topics_include,
            settings.topics_exclude,
            frozenset(settings.output_topics()),
            settings.observe_topics,
        )

    def has(self, topic: str) -> bool:
        """Whether a topic is read."""
        return topic == self.tracing or self.links(topic) or self.observes(topic) or self.tells_commits(topic)

    def links(self, topic: str) -> bool:
        """Whether the headers of a topic are asked for."""
        return self._is_business_topic(topic, self.messages)

    def observes(self, topic: str) -> bool:
        """Whether a topic is observed."""
        return self._is_business_topic(topic, self.observed)

    def tells_commits(self, topic: str) -> bool:
        """Whether commits of the groups of observed topics are read there."""
        return bool(self.observed.strip()) and topic == CONSUMER_OFFSETS

    def _is_business_topic(self, topic: str, choice: str) -> bool:
        wanted, include, exclude = map(topic_pattern, (choice, self.include, self.exclude))
        return (
            wanted is not None
            and wanted.fullmatch(topic) is not None
            and topic != self.tracing
            and topic not in self.ours
            and not topic.startswith("__")
            and (include is None or include.fullmatch(topic) is not None)
            and (exclude is None or exclude.fullmatch(topic) is None)
        )
