import re
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from signal import SIGINT, SIGKILL

import pytest
from confluent_kafka import Consumer, KafkaError, KafkaException, Message, Producer, TopicPartition
from confluent_kafka.admin import AdminClient

from runners.kafka.broker import Broker, BrokerError

pytestmark = pytest.mark.integration

QUIET: dict[str, str | int | float | bool] = {"log_level": 0, "socket.timeout.ms": 10_000}


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    with Broker(tmp_path_factory.mktemp("broker")) as running:
        yield running


def client(broker: Broker, properties: Mapping[str, object] | None = None) -> dict[str, object]:
    return {"bootstrap.servers": broker.bootstrap_servers, **QUIET, **(properties or {})}


def write(broker: Broker, topic: str, value: bytes, properties: Mapping[str, object] | None = None) -> Message:
    delivered: list[tuple[KafkaError | None, Message]] = []
    producer = Producer(client(broker, {"message.timeout.ms": 20_000, **(properties or {})}))
    producer.produce(topic, value, on_delivery=lambda error, message: delivered.append((error, message)))
    assert producer.flush(30) == 0
    ((error, message),) = delivered
    if error:
        raise KafkaException(error)
    return message


def read(broker: Broker, topic: str, properties: Mapping[str, object] | None = None) -> list[bytes | None]:
    """The values of partition 0, from the beginning to its end."""
    consumer = Consumer(client(broker, {"group.id": "nobody", "enable.partition.eof": True, **(properties or {})}))
    consumer.assign([TopicPartition(topic, 0, 0)])
    values: list[bytes | None] = []
    try:
        while (message := consumer.poll(20)) and not (error := message.error()):
            values.append(message.value())
        assert message, "the end of the partition was not reached in 20 s"
        assert error
        assert error.code() == KafkaError._PARTITION_EOF
    finally:
        consumer.close()
    return values


def test_it_listens_on_its_own_address_alone(broker: Broker) -> None:
    metadata = AdminClient({"bootstrap.servers": broker.bootstrap_servers, **QUIET}).list_topics(timeout=10)
    assert [f"{node.host}:{node.port}" for node in metadata.brokers.values()] == [broker.bootstrap_servers]
    with socket.socket() as neighbour:
        neighbour.bind(("127.0.0.2", broker.port))  # taken already if it listened on all addresses


@pytest.mark.parametrize("codec", ["none", "gzip", "snappy", "lz4", "zstd"])
def test_messages_of_every_codec_come_back(broker: Broker, codec: str) -> None:
    write(broker, f"codec-{codec}", codec.encode() * 100, {"compression.type": codec})
    assert read(broker, f"codec-{codec}") == [codec.encode() * 100]


def test_transactions_hide_what_was_aborted(broker: Broker) -> None:
    producer = Producer(client(broker, {"transactional.id": "transfer"}))
    producer.init_transactions(30)
    for value, end in ((b"kept", producer.commit_transaction), (b"dropped", producer.abort_transaction)):
        producer.begin_transaction()
        producer.produce("transfers", value)
        producer.flush(10)
        end(10)
    assert read(broker, "transfers") == [b"kept"]


@pytest.mark.parametrize("protocol", ["classic", "consumer"])
def test_groups_of_either_protocol_keep_their_place(broker: Broker, protocol: str) -> None:
    for value in (b"first", b"second"):
        write(broker, f"queue-{protocol}", value)
    properties = client(
        broker, {"group.id": f"readers-{protocol}", "group.protocol": protocol, "auto.offset.reset": "earliest"}
    )
    for expected in (b"first", b"second"):
        consumer = Consumer(properties)
        consumer.subscribe([f"queue-{protocol}"])
        message = consumer.poll(30)
        assert message
        assert message.value() == expected
        consumer.commit(message=message, asynchronous=False)
        consumer.close()


def test_a_second_broker_on_its_port_is_refused(broker: Broker, tmp_path: Path) -> None:
    with pytest.raises(BrokerError, match=rf"Cannot listen on 127\.0\.0\.1:{broker.port}.*\n.*--port"):
        Broker(tmp_path, broker.port).start()
    assert list(tmp_path.iterdir()) == []


def test_a_second_broker_in_its_folder_is_refused(broker: Broker) -> None:
    with pytest.raises(BrokerError, match=r"Another broker is using the data in .*\n.*--data"):
        Broker(broker.data_dir).start()


def test_after_a_kill_it_goes_on_with_the_same_port_and_data(tmp_path: Path) -> None:
    with Broker(tmp_path / "new" / "folder") as broker:
        address = broker.bootstrap_servers
        write(broker, "orders", b"before")
        broker.kill()
        assert broker.process.returncode == -SIGKILL
        broker.restart()
        assert broker.bootstrap_servers == address
        assert write(broker, "orders", b"after").offset() == 1
        assert read(broker, "orders") == [b"before", b"after"]


def test_a_wrong_property_is_an_error_that_shows_what_kafka_said(tmp_path: Path) -> None:
    with pytest.raises(BrokerError, match=r"Invalid value many for configuration num\.io\.threads"):
        Broker(tmp_path, properties={"num.io.threads": "many"}).start()


def test_the_command_runs_until_ctrl_c(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "tracing_aggregator.cli.main", "broker", "--port", "0", "--data", str(tmp_path)]
    with subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stderr
            said = next(line for line in process.stderr if "ready" in line)
            address = re.search(r"127\.0\.0\.1:\d+", said)
            assert address
            assert AdminClient({"bootstrap.servers": address[0], **QUIET}).list_topics(timeout=10).brokers
            process.send_signal(SIGINT)
            out, err = process.communicate(timeout=30)
        finally:
            process.kill()
    assert (process.returncode, out, err) == (0, "", "Kafka has stopped.\n")
