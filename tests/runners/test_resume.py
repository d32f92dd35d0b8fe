from collections.abc import Iterator
from pathlib import Path

import pytest
from confluent_kafka import Producer
from runners.event_time import start_time

from pipeline.config import Config, load_config
from pipeline.errors import UserError
from runners.job_records import JobRecord, frozen_settings
from runners.positions import Position, committed, group_consumer, positions, rewind
from runners.reads import plan
from runners.resume import choose
from runners.savepoints import MAGIC
from runners.state_folder import StateFolder
from transforms.parse_traces import HEARTBEAT_KEY

FOUND = {"_tracing": 2}
PROPERTIES = b"sr\0.org.apache.flink.runtime.checkpoint.CheckpointProperties\0\0xpt\0\4NONE"


@pytest.fixture(scope="module")
def servers() -> Iterator[str]:
    """librdkafka's own mock of a cluster, with ten records in partition 0 of two."""
    producer = Producer(
        {"bootstrap.servers": "ignored", "test.mock.num.brokers": 1, "topic.metadata.refresh.interval.ms": 1000}
    )
    for partition in (0, 1):
        for _ in range(10 if partition == 0 else 1):
            producer.produce("_tracing", b"x", partition=partition)
    assert producer.flush(30) == 0
    (broker,) = producer.list_topics(timeout=15).brokers.values()
    yield f"{broker.host}:{broker.port}"
    del producer


@pytest.fixture
def config(servers: str, tmp_path: Path, request: pytest.FixtureRequest) -> Config:
    return load_config(
        None, {}, [f"bootstrap.servers={servers}", f"application.id={request.node.name}", f"state.dir={tmp_path}"]
    )


def commit(config: Config, first: int, second: int) -> None:
    with group_consumer(config) as consumer:
        rewind(consumer, {"_tracing": {"0": first, "1": second}})


def group_offsets(config: Config) -> dict[str, dict[str, int]]:
    with group_consumer(config) as consumer:
        return committed(consumer, FOUND)


def snapshot(folder: StateFolder, number: int, *, whole: bool = True) -> None:
    path = folder.checkpoints / "job" / f"chk-{number}"
    path.mkdir(parents=True)
    (path / "_metadata").write_bytes(MAGIC + (PROPERTIES if whole else b""))


def known(folder: StateFolder, config: Config, policy: str = "CreateTime") -> None:
    record = JobRecord("job", plan(config, FOUND, policy).labels, frozen_settings(config.settings))
    record.note(4, {"_tracing": {"0": 3, "1": 0}})
    record.save(folder.jobs)


def test_without_a_snapshot_the_read_is_new_and_the_groups_offsets_stay(config):
    commit(config, 5, 1)
    resume = choose(config, StateFolder.of(config.settings), plan(config, FOUND, "CreateTime"), FOUND, print)
    assert resume == (None, True)
    assert group_offsets(config) == {"_tracing": {"0": 5, "1": 1}}


def test_the_same_reads_go_on_where_the_snapshot_says(config):
    folder = StateFolder.of(config.settings)
    snapshot(folder, 4)
    known(folder, config)
    resume = choose(config, folder, plan(config, FOUND, "CreateTime"), FOUND, print)
    assert resume.snapshot is not None
    assert not resume.has_new_read


def test_a_new_read_beside_the_newest_snapshot_starts_at_the_groups_offsets(config):
    folder = StateFolder.of(config.settings)
    snapshot(folder, 5)
    known(folder, config)
    commit(config, 5, 1)
    assert choose(config, folder, plan(config, FOUND, "LogAppendTime"), FOUND, print).has_new_read
    assert group_offsets(config) == {"_tracing": {"0": 5, "1": 1}}


def test_a_new_read_beside_an_older_snapshot_starts_before_it(config):
    folder = StateFolder.of(config.settings)
    snapshot(folder, 5)
    snapshot(folder, 6, whole=False)
    known(folder, config)
    commit(config, 9, 1)
    told: list[str] = []
    resume = choose(config, folder, plan(config, FOUND, "LogAppendTime"), FOUND, told.append)
    assert resume.snapshot is not None
    assert resume.snapshot.path.name == "chk-5"
    assert group_offsets(config) == {"_tracing": {"0": 3, "1": 0}}
    assert told[0].endswith("chk-6: its metadata breaks off.")


def test_a_new_read_beside_an_older_snapshot_of_an_unknown_job_starts_at_the_oldest_records(config):
    folder = StateFolder.of(config.settings)
    snapshot(folder, 5)
    snapshot(folder, 6, whole=False)
    commit(config, 9, 1)
    choose(config, folder, plan(config, FOUND, "CreateTime"), FOUND, print)
    assert group_offsets(config) == {"_tracing": {"0": 0, "1": 0}}


def test_a_snapshot_that_the_user_names_is_taken_and_a_new_read_starts_before_it(config, tmp_path):
    folder = StateFolder.of(config.settings)
    snapshot(folder, 5)
    elsewhere = StateFolder(tmp_path / "elsewhere")
    snapshot(elsewhere, 3)
    commit(config, 9, 1)
    place = str(elsewhere.checkpoints / "job" / "chk-3")
    resume = choose(config, folder, plan(config, FOUND, "CreateTime"), FOUND, print, place)
    assert resume.snapshot is not None
    assert str(resume.snapshot.path) == place
    assert group_offsets(config) == {"_tracing": {"0": 0, "1": 0}}


def test_a_folder_that_is_no_snapshot_is_refused(config, tmp_path):
    with pytest.raises(UserError, match=r"Cannot resume from .*: its metadata cannot be read"):
        choose(config, StateFolder.of(config.settings), plan(config, FOUND, "CreateTime"), FOUND, print, str(tmp_path))


def test_a_partition_is_read_from_its_committed_offset_else_from_its_oldest_record(config):
    with group_consumer(config) as consumer:
        rewind(consumer, {"_tracing": {"0": 7}})
        assert positions(consumer, FOUND) == [Position("_tracing", 0, 7, 10), Position("_tracing", 1, 0, 1)]


def test_only_a_partition_without_unread_records_gets_a_heartbeat(config):
    with group_consumer(config) as consumer:
        rewind(consumer, {"_tracing": {"0": 7, "1": 1}})
    told: list[str] = []
    start_time(config, FOUND, told.append)
    assert told == ["Heartbeat written to _tracing, partitions without unread records: 1."]
    with group_consumer(config) as consumer:
        from confluent_kafka import TopicPartition

        consumer.assign([TopicPartition("_tracing", 1, 1)])
        beat = consumer.poll(15)
    assert beat is not None
    assert (beat.key(), beat.value()) == (HEARTBEAT_KEY, None)
