import orjson
import pytest
from click.testing import CliRunner, Result
from confluent_kafka import TopicCollection
from confluent_kafka.admin import ConfigResource, NewTopic, ResourceType

from tests.integration.preflight.conftest import Grant
from tracing_aggregator.cli.main import main

pytestmark = pytest.mark.integration

KINDS = ["tracing", "aggregated", "anomaly", "dead", "stats"]


def topics(file: str, *arguments: str) -> Result:
    return CliRunner().invoke(main, ["topics", file, *arguments])


def states(shown: Result) -> dict[str, str]:
    return {row["name"]: row["state"] for row in orjson.loads(shown.stdout)}


def setting(cluster, topic: str, name: str) -> str:
    [future] = cluster.admin.describe_configs([ConfigResource(ResourceType.TOPIC, topic)]).values()
    return future.result(30)[name].value


def existing(cluster, prefix: str) -> list[str]:
    return [topic for topic in cluster.admin.list_topics(timeout=10).topics if topic.startswith(f"{prefix}-")]


def test_missing_topics_are_created_as_they_should_be(cluster, name, config_file):
    shown = topics(config_file("admin"), "--json", "--partitions", "3")
    assert shown.exit_code == 0, shown.output
    assert states(shown) == {f"{name}-{kind}": "created" for kind in KINDS}
    assert setting(cluster, f"{name}-tracing", "message.timestamp.type") == "LogAppendTime"
    assert setting(cluster, f"{name}-aggregated", "message.timestamp.type") == "CreateTime"
    assert {kind: setting(cluster, f"{name}-{kind}", "cleanup.policy") for kind in KINDS} == {
        **dict.fromkeys(KINDS, "delete"),
        "stats": "compact,delete",
    }
    assert setting(cluster, f"{name}-dead", "max.message.bytes") == "2097152"
    described = cluster.admin.describe_topics(TopicCollection([f"{name}-{kind}" for kind in KINDS]))
    for future in described.values():
        partitions = future.result(30).partitions
        assert len(partitions) == 3
        assert all(len(partition.replicas) == 1 for partition in partitions), "one broker, so one replica"


def test_a_second_time_everything_exists_and_departs_from_nothing(config_file):
    file = config_file("admin")
    topics(file)
    rows = orjson.loads(topics(file, "--json").stdout)
    assert {row["state"] for row in rows} == {"exists"}
    assert [row["departures"] for row in rows] == [[]] * 5


def test_a_dry_run_creates_nothing(cluster, name, config_file):
    shown = topics(config_file("admin"), "--dry-run", "--json")
    assert states(shown) == {f"{name}-{kind}": "missing" for kind in KINDS}
    assert existing(cluster, name) == []


def test_existing_topics_stay_and_their_departures_come_with_the_command_that_mends_them(cluster, name, config_file):
    compacted = NewTopic(f"{name}-aggregated", 1, 1, config={"cleanup.policy": "compact"})
    for future in cluster.admin.create_topics([NewTopic(f"{name}-tracing", 1, 1), compacted]).values():
        future.result(30)
    shown = topics(config_file("admin"), "--partitions", "2")
    assert shown.exit_code == 0
    assert f"exists   {name}-tracing" in shown.stdout
    assert f"created  {name}-anomaly" in shown.stdout
    assert "has message.timestamp.type=CreateTime, not LogAppendTime" in shown.stderr
    assert "--add-config message.timestamp.type=LogAppendTime" in shown.stderr
    assert "has cleanup.policy=compact, not delete" in shown.stderr
    assert f"--alter --topic {name}-tracing --partitions 2" in shown.stderr
    assert setting(cluster, f"{name}-tracing", "message.timestamp.type") == "CreateTime"


def test_a_topic_that_may_not_be_created_fails_alone_with_the_grant_it_needs(cluster, name, config_file):
    allowed = [Grant("CREATE", f"topic {name}-{kind}") for kind in KINDS if kind != "anomaly"]
    cluster.grant("alice", *allowed)
    shown = topics(config_file("alice"))
    assert shown.exit_code == 1
    assert f"failed   {name}-anomaly" in shown.stdout
    assert sorted(existing(cluster, name)) == sorted(f"{name}-{kind}" for kind in KINDS if kind != "anomaly")
    assert "--allow-principal User:alice --operation CREATE --operation DESCRIBE" in shown.stderr
    assert f"--topic {name}-anomaly" in shown.stderr


def test_a_topic_that_exists_unseen_is_not_taken_for_a_failure(cluster, name, config_file):
    topics(config_file("admin"))
    cluster.grant("alice", *(Grant("CREATE", f"topic {name}-{kind}") for kind in KINDS))
    shown = topics(config_file("alice"))
    assert shown.exit_code == 0
    assert f"exists   {name}-tracing" in shown.stdout
    assert f"--operation DESCRIBE --topic {name}-tracing" in shown.stderr
