"""Everything that would keep a run from working, found before it starts."""

from __future__ import annotations

import time
from itertools import chain
from typing import TYPE_CHECKING, Literal, NamedTuple

from confluent_kafka import KafkaError, KafkaException, TopicCollection

from pipeline.io.topics_to_read import TopicsToRead
from pipeline.topic_names import listed_topics
from runners.kafka import compacted_topics
from runners.kafka.admin import TIMEOUT_S, Admin, code, reason, result, talking_to_brokers
from runners.kafka.kafka_commands import KafkaCommands
from runners.kafka.topics import Departure, WantedTopic, create, departures_of, wanted_topics
from transforms.observe.consumer_offsets import CONSUMER_OFFSETS

if TYPE_CHECKING:
    from collections.abc import Callable

    from confluent_kafka.admin import TopicDescription

    from pipeline.config.load import Config


_RETRY_S = 0.2


class CheckResult(NamedTuple):
    """One thing looked at. Only a `problem` keeps a run from working; `advice` makes it work better."""

    level: Literal["ok", "problem", "advice"]
    subject: str
    message: str
    todo: str = ""


@talking_to_brokers()
def preflight(config: Config) -> list[CheckResult]:
    """Look at brokers, topics and permissions, and find all problems at once.

    Returns:
        The verdicts, good and bad, in the order in which a run would meet them.

    Raises:
        BrokersUnreachableError: no broker answers, so that nothing else can be looked at.
        UserError: client properties that cannot be used.
    """
    return _Preflight(config, Admin(config)).verdicts()


class _Preflight:
    """The questions to one cluster."""

    def __init__(self, config: Config, admin: Admin) -> None:
        self._settings = config.settings
        self._admin = admin
        self._commands = KafkaCommands(config.settings.bootstrap_servers, admin)
        self._wanted = {topic.name: topic for topic in wanted_topics(config.settings)}

    def verdicts(self) -> list[CheckResult]:
        topics, settings = TopicsToRead.of(self._settings), self._settings
        headers = self._business_topics(settings.trace_topics, topics.links)
        observed = self._business_topics(settings.observe_topics, topics.observes)
        offsets = [CONSUMER_OFFSETS] if settings.observe_topics else []
        read = list(dict.fromkeys([*headers, *observed, *offsets]))
        described, undescribed = self._describe([*self._wanted, *(name for name in read if name not in self._wanted)])
        departures = departures_of(
            self._admin, self._commands, [topic for name, topic in self._wanted.items() if name in described]
        )
        needs = self._needs(read)
        by_topic = {
            name: self._of_topic(described[name], operations, departures.get(name, []))
            if name in described
            else undescribed[name]
            for name, operations in needs.items()
        }
        brokers = CheckResult(
            "ok", f"brokers {self._settings.bootstrap_servers}", f"{self._admin.brokers} in the cluster"
        )
        return [
            brokers,
            *chain.from_iterable(by_topic.values()),
            *self._none_matches("trace.topics", settings.trace_topics, headers),
            *self._none_matches("observe.topics", settings.observe_topics, observed),
            *self._compaction(),
            *self._group(),
        ]

    def _business_topics(self, text: str, reads: Callable[[str], bool]) -> list[str]:
        """Business topics of a choice: those listed, or those that exist and are read."""
        if listed := listed_topics(text):
            return listed
        if not text.strip():
            return []
        return sorted(name for name in self._admin.client.list_topics(timeout=TIMEOUT_S).topics if reads(name))

    def _none_matches(self, setting: str, text: str, names: list[str]) -> list[CheckResult]:
        if names or not text:
            return []
        return [
            CheckResult(
                "advice",
                setting,
                f"no topic that this user can see matches {text}",
                "Correct the expression, or let the user see the topics: "
                + self._commands.grant(["READ"], "topic NAME"),
            )
        ]

    def _compaction(self) -> list[CheckResult]:
        """Whether the brokers tell which business topics are compacted: a run asks them as it starts."""
        refused = [] if self._settings.compacted_topics else compacted_topics.ask(self._admin.client, self._settings)[1]
        return [
            CheckResult(
                "advice",
                f"topic {one.topic}",
                f"does not tell whether it is compacted: {one.why}; what compaction takes may be found lost",
                f"{self._commands.grant(['DESCRIBE_CONFIGS'], f'topic {one.topic}')}\nOr set compacted.topics.",
            )
            for one in refused
            if one.topic
        ]

    def _needs(self, read: list[str]) -> dict[str, list[str]]:
        """The operations that a run needs on each topic."""
        tracing = self._settings.tracing_topic
        needs = {name: ["WRITE"] for name in self._wanted}
        needs[tracing] = ["READ", "DESCRIBE_CONFIGS"]
        return needs | {name: ["READ"] for name in read}

    def _describe(self, names: list[str]) -> tuple[dict[str, TopicDescription], dict[str, list[CheckResult]]]:
        """The topics that the brokers describe, and verdicts on the others."""
        futures = self._admin.client.describe_topics(
            TopicCollection(names), include_authorized_operations=True, request_timeout=TIMEOUT_S
        )
        described: dict[str, TopicDescription] = {}
        failed: dict[str, KafkaException] = {}
        for name, future in futures.items():
            try:
                described[name] = result(future)
            except KafkaException as error:
                failed[name] = error
        missing = [name for name, error in failed.items() if code(error) == KafkaError.UNKNOWN_TOPIC_OR_PART]
        verdicts = {name: [self._missing(name)] for name in missing if name not in self._wanted}
        verdicts |= self._creatable([self._wanted[name] for name in missing if name in self._wanted])
        verdicts |= {name: [self._hidden(name, error)] for name, error in failed.items() if name not in missing}
        return described, verdicts

    def _missing(self, name: str) -> CheckResult:
        if name == CONSUMER_OFFSETS:
            return CheckResult("ok", f"topic {name}", "does not exist yet: no group has committed")
        setting = "observe.topics" if name in listed_topics(self._settings.observe_topics) else "trace.topics"
        return CheckResult("problem", f"topic {name}", "does not exist", f"Create it, or take it out of {setting}.")

    def _creatable(self, topics: list[WantedTopic]) -> dict[str, list[CheckResult]]:
        verdicts = {}
        for name, report in create(self._admin, self._commands, topics, dry_run=True).items():
            why = "".join(f" and {departure.what}" for departure in report.departures)
            grants = [departure.todo for departure in report.departures if departure.todo]
            todo = "\n".join([*grants, "tracing-aggregator topics CONFIG.properties"])
            verdicts[name] = [CheckResult("problem", f"topic {name}", f"does not exist{why}", todo)]
        return verdicts

    def _hidden(self, name: str, error: KafkaException) -> CheckResult:
        operations = ["READ"] if name not in self._wanted or name == self._settings.tracing_topic else ["WRITE"]
        if name == self._settings.tracing_topic:
            operations.append("DESCRIBE_CONFIGS")
        return self._refused(f"topic {name}", operations, f"does not exist or may not be seen: {reason(error)}")

    def _of_topic(
        self, topic: TopicDescription, operations: list[str], departures: list[Departure]
    ) -> list[CheckResult]:
        subject = f"topic {topic.name}"
        granted = {operation.name for operation in topic.authorized_operations or ()}
        refused = [operation for operation in operations if operation not in granted]
        verdicts = [
            CheckResult(_level(departure), subject, departure.what, departure.todo)
            for departure in departures
            # Settings that are hidden are either needed, and told below, or none of our business.
            if departure.setting
        ]
        if refused:
            verdicts.append(self._refused(subject, refused, f"may not be used: {', '.join(refused)}"))
        partitions = len(topic.partitions)
        if topic.name == self._settings.tracing_topic and partitions < self._settings.flink_parallelism:
            what = f"has fewer partitions ({partitions}) than flink.parallelism={self._settings.flink_parallelism}"
            todo = self._commands.add_partitions(topic.name, self._settings.flink_parallelism)
            verdicts.append(CheckResult("advice", subject, what, todo))
        return verdicts or [CheckResult("ok", subject, f"{', '.join(operations)}; partitions: {partitions}")]

    def _refused(self, subject: str, operations: list[str], message: str) -> CheckResult:
        return CheckResult("problem", subject, message, self._commands.grant(operations, subject))

    def _group(self) -> list[CheckResult]:
        group = self._settings.application_id
        subject = f"group {group}"
        try:
            granted = self._group_operations(group)
        except KafkaException as error:
            if code(error) != KafkaError.GROUP_AUTHORIZATION_FAILED:
                return [
                    CheckResult("problem", subject, reason(error), "Try again; if it stays, look at the broker's log.")
                ]
            granted = set()
        if "READ" in granted:
            return [CheckResult("ok", subject, "READ")]
        return [self._refused(subject, ["READ"], "may not be used: READ")]

    def _group_operations(self, group: str) -> set[str]:
        """What may be done with a group. Asked for the first time, a new cluster needs a moment to set up groups."""
        deadline = time.monotonic() + TIMEOUT_S
        while True:
            answer = self._admin.client.describe_consumer_groups(
                [group], include_authorized_operations=True, request_timeout=TIMEOUT_S
            )
            try:
                return {operation.name for operation in result(answer[group]).authorized_operations or ()}
            except KafkaException as error:
                if code(error) == KafkaError.GROUP_AUTHORIZATION_FAILED or time.monotonic() > deadline:
                    raise
            time.sleep(_RETRY_S)


def _level(departure: Departure) -> Literal["problem", "advice"]:
    """Compaction loses records; the rest costs comfort."""
    return "problem" if departure.setting == "cleanup.policy" else "advice"
