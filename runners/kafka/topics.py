"""The topics this aggregator needs: creates what is missing, and says how existing ones depart from what is wanted."""

from typing import Any, Literal, NamedTuple

from confluent_kafka import KafkaError, KafkaException, TopicCollection
from confluent_kafka.admin import NewTopic

from pipeline.config.load import DEAD_LETTER_BYTES, Config
from pipeline.config.settings import Settings
from runners.kafka.admin import TIMEOUT_S, Admin, code, reason, result, talking_to_brokers
from runners.kafka.kafka_commands import KafkaCommands

PARTITIONS = 4
REPLICATION = 3


class Wanted(NamedTuple):
    """A topic as it should be."""

    name: str
    config: dict[str, str]


class Departure(NamedTuple):
    """Where a topic is not as it should be: the setting if it is one, a sentence, and the command that mends it."""

    setting: str
    what: str
    todo: str


class TopicReport(NamedTuple):
    """What became of one topic. `failed` says why in its one departure."""

    name: str
    state: Literal["exists", "created", "missing", "failed"]
    partitions: int
    departures: tuple[Departure, ...] = ()


def wanted_topics(settings: Settings) -> list[Wanted]:
    """Every topic that is read or written, with the settings that matter to us."""
    keep_all = {"cleanup.policy": "delete"}
    return [
        # Only broker time lets idle partitions advance.
        Wanted(settings.tracing_topic, {**keep_all, "message.timestamp.type": "LogAppendTime"}),
        # Several records share a key, so compaction would lose some.
        Wanted(settings.aggregated_topic, keep_all),
        Wanted(settings.anomaly_topic, keep_all),
        Wanted(settings.dead_letter_topic, {**keep_all, "max.message.bytes": str(DEAD_LETTER_BYTES)}),
        # The newest statistics of each key stay, whatever the retention.
        Wanted(settings.stats_topic, {"cleanup.policy": "compact,delete"}),
        *([Wanted(settings.pathway_topic, keep_all)] if settings.trace_pathways else []),
    ]


@talking_to_brokers()
def create_topics(config: Config, *, partitions: int | None = None, dry_run: bool = False) -> list[TopicReport]:
    """Create the topics that are missing.

    Args:
        config: names the cluster and the topics.
        partitions: of each new topic, 4 if None; an existing topic with fewer departs from it.
        dry_run: change nothing; the brokers still say whether they would refuse.

    Returns:
        One report for each topic. What could not be created is `failed` and stops nothing.

    Raises:
        BrokersUnreachableError: no broker answers.
    """
    admin = Admin(config)
    commands = KafkaCommands(config.settings.bootstrap_servers, admin)
    wanted = wanted_topics(config.settings)
    existing = _partitions_of(admin, [topic.name for topic in wanted])
    missing = [topic for topic in wanted if topic.name not in existing]
    created = create(admin, commands, missing, partitions or PARTITIONS, dry_run=dry_run)
    departures = departures_of(admin, commands, [topic for topic in wanted if topic.name in existing])
    for name, count in existing.items():
        if partitions and count < partitions:
            todo = commands.add_partitions(name, partitions)
            departures[name].append(Departure("", f"has {count} partitions, not {partitions}", todo))
    return [
        TopicReport(topic.name, "exists", existing[topic.name], tuple(departures[topic.name]))
        if topic.name in existing
        else created[topic.name]
        for topic in wanted
    ]


def departures_of(admin: Admin, commands: KafkaCommands, topics: list[Wanted]) -> dict[str, list[Departure]]:
    """How existing topics depart from what is wanted, by topic."""
    answers = admin.topic_configs([topic.name for topic in topics])
    departures: dict[str, list[Departure]] = {}
    for topic in topics:
        try:
            departures[topic.name] = _compare(topic, result(answers[topic.name]), commands)
        except KafkaException as error:
            todo = commands.grant(["DESCRIBE_CONFIGS"], f"topic {topic.name}")
            departures[topic.name] = [Departure("", f"does not show its settings: {reason(error)}", todo)]
    return departures


def _compare(topic: Wanted, actual: dict[str, Any], commands: KafkaCommands) -> list[Departure]:
    return [
        Departure(name, f"has {name}={actual[name].value}, not {value}", commands.alter_topic(topic.name, name, value))
        for name, value in topic.config.items()
        if name in actual and not _satisfies(name, str(actual[name].value), value)
    ]


def _satisfies(name: str, actual: str, wanted: str) -> bool:
    if name == "max.message.bytes":
        return int(actual) >= int(wanted)
    return set(actual.split(",")) == set(wanted.split(","))


def _partitions_of(admin: Admin, names: list[str]) -> dict[str, int]:
    """Partition counts of those topics that exist and that we may see."""
    found = {}
    for name, future in admin.client.describe_topics(TopicCollection(names), request_timeout=TIMEOUT_S).items():
        try:
            found[name] = len(result(future).partitions)
        except KafkaException as error:
            if code(error) not in {KafkaError.UNKNOWN_TOPIC_OR_PART, KafkaError.TOPIC_AUTHORIZATION_FAILED}:
                raise
    return found


def create(
    admin: Admin, commands: KafkaCommands, topics: list[Wanted], partitions: int = PARTITIONS, *, dry_run: bool
) -> dict[str, TopicReport]:
    """Create topics, or with `dry_run` ask whether the brokers would; one report for each, by topic."""
    if not topics:
        return {}
    new = [NewTopic(topic.name, partitions, min(REPLICATION, admin.brokers), config=topic.config) for topic in topics]
    futures = admin.client.create_topics(new, validate_only=dry_run, request_timeout=TIMEOUT_S)
    reports = {}
    for name, future in futures.items():
        try:
            result(future)
            reports[name] = TopicReport(name, "missing" if dry_run else "created", partitions)
        except KafkaException as error:
            reports[name] = _not_created(name, error, commands)
    return reports


def _not_created(name: str, error: KafkaException, commands: KafkaCommands) -> TopicReport:
    if code(error) == KafkaError.TOPIC_ALREADY_EXISTS:
        unseen = Departure("", "may not be seen", commands.grant(["DESCRIBE"], f"topic {name}"))
        return TopicReport(name, "exists", 0, (unseen,))
    refused = code(error) == KafkaError.TOPIC_AUTHORIZATION_FAILED
    todo = commands.grant(["CREATE", "DESCRIBE"], f"topic {name}") if refused else ""
    return TopicReport(name, "failed", 0, (Departure("", f"cannot be created: {reason(error)}", todo),))
