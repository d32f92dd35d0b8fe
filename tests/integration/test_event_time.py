from collections.abc import Iterator

import pytest
from confluent_kafka import Producer
from confluent_kafka.admin import (
    AdminClient,
    AlterConfigOpType,
    ConfigEntry,
    ConfigResource,
    NewTopic,
)
from runners.event_time import choose_policy

from pipeline.config import Config, load_config
from runners.broker import Broker
from runners.positions import group_consumer, rewind
from runners.reads import admin_client, partitions

pytestmark = pytest.mark.integration
LOG_APPEND_TIME = {"message.timestamp.type": "LogAppendTime"}


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    with Broker(tmp_path_factory.mktemp("broker")) as broker:
        yield broker


def made(broker: Broker, topic: str, properties: dict[str, str], records: int = 0) -> Config:
    admin = AdminClient({"bootstrap.servers": broker.bootstrap_servers})
    admin.create_topics([NewTopic(topic, 2, 1, config=properties)])[topic].result(30)
    producer = Producer({"bootstrap.servers": broker.bootstrap_servers})
    for _ in range(records):
        producer.produce(topic, b"x", partition=1)
    assert producer.flush(30) == 0
    return load_config(
        None,
        {},
        [f"bootstrap.servers={broker.bootstrap_servers}", f"tracing.topic={topic}", f"application.id=group-{topic}"],
    )


def policy(config: Config) -> tuple[str, str]:
    admin = admin_client(config)
    return choose_policy(config, admin, partitions(admin, config.settings))


def switch_to_log_append_time(broker: Broker, topic: str) -> None:
    entry = ConfigEntry("message.timestamp.type", "LogAppendTime", incremental_operation=AlterConfigOpType.SET)
    resource = ConfigResource(ConfigResource.Type.TOPIC, topic, incremental_configs=[entry])
    admin = AdminClient({"bootstrap.servers": broker.bootstrap_servers})
    admin.incremental_alter_configs([resource])[resource].result(30)


def test_a_topic_with_log_append_time_is_read_by_it(broker):
    assert policy(made(broker, "log", LOG_APPEND_TIME, records=2)) == (
        "LogAppendTime",
        "log has message.timestamp.type=LogAppendTime",
    )


def test_a_topic_with_create_time_is_read_by_that(broker):
    assert policy(made(broker, "create", {}, records=2)) == (
        "CreateTime",
        "create has message.timestamp.type=CreateTime",
    )


def test_unread_records_from_before_the_switch_to_log_append_time_forbid_it(broker):
    config = made(broker, "switched", {}, records=3)
    switch_to_log_append_time(broker, "switched")
    name, reason = policy(config)
    assert name == "CreateTime"
    assert "partition 1 has unread records from before that" in reason

    with group_consumer(config) as consumer:
        rewind(consumer, {"switched": {"1": 3}})
    assert policy(config).name == "LogAppendTime"
