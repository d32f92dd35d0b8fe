"""The brokers say which business topics are compacted; what they do not say is told once."""

from concurrent.futures import Future
from types import SimpleNamespace
from typing import Any

from confluent_kafka import KafkaError, KafkaException

from pipeline.config.settings import Settings
from runners.kafka.compacted_topics import with_compacted_topics


class FakeAdmin:
    """A cluster with topics of these cleanup policies; None: not allowed to know."""

    def __init__(self, policies: dict[str, str | None]) -> None:
        self.policies = policies
        self.asked: list[str] = []

    def list_topics(self, timeout: float) -> Any:
        return SimpleNamespace(topics=dict.fromkeys(self.policies))

    def describe_configs(self, resources: list[Any], request_timeout: float) -> dict[Any, Future]:
        answers = {}
        for resource in resources:
            self.asked.append(resource.name)
            answers[resource] = answer = Future()
            policy = self.policies[resource.name]
            if policy is None:
                answer.set_exception(KafkaException(KafkaError(KafkaError.TOPIC_AUTHORIZATION_FAILED)))
            else:
                answer.set_result({"cleanup.policy": SimpleNamespace(value=policy)})
        return answers


def ask(policies: dict[str, str | None], **settings: str) -> tuple[str, list[str], list[str]]:
    """The setting, what was told, and the topics that were asked about."""
    admin, told = FakeAdmin(policies), []
    found = with_compacted_topics(admin, Settings(**settings), told.append)
    return found.compacted_topics, told, admin.asked


def test_topics_that_are_compacted_alone_or_with_deletion_are_found():
    found, told, _ = ask({"orders": "delete", "table": "compact", "both": "compact,delete"})
    assert (found, told) == ("both,table", [])


def test_only_followed_business_topics_are_asked_about():
    policies = dict.fromkeys(("_tracing", "_traceStats", "__consumer_offsets", "orders", "other"), "compact")
    assert ask(policies, topics_exclude="other") == ("orders", [], ["orders"])


def test_a_setting_that_is_given_is_kept_and_nothing_is_asked():
    assert ask({"orders": "compact"}, compacted_topics="mine") == ("mine", [], [])


def test_what_may_not_be_known_is_told_once_and_counts_as_not_compacted():
    found, [warning], _ = ask({"a": None, "b": None, "c": None, "table": "compact"})
    assert found == "table"
    assert "whether a and 2 more is compacted" in warning
    assert "allow DESCRIBE_CONFIGS, or set compacted.topics" in warning


def test_a_cluster_without_topics_has_none():
    assert ask({}) == ("", [], [])
