"""For tests: everything that befalls Kafka clients, each in a topic of its own, on a real broker.

What Kafka's verifiable clients can do is done by them, with the real interceptors. They can neither seek, nor abort,
nor commit inside transactions; and in a producer with a transactional.id these interceptors write no trace at all:
their own producer inherits that id and is refused. There `traced_clients` write the traces.
"""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from confluent_kafka import (
    OFFSET_BEGINNING,
    Consumer,
    ConsumerGroupTopicPartitions,
    KafkaError,
    Message,
    Producer,
    TopicPartition,
)
from confluent_kafka.admin import AdminClient, NewTopic

from tests.integration.flink_processes import wait_until
from tests.integration.java_clients import Clients
from tests.integration.traced_clients import SeekingConsumer, TransactionalProducer

# Kafka's verifiable producer would give up at the first hitch of a new topic.
PATIENT = {"retries": "1000"}
CRASHING = {"auto.commit.interval.ms": "3600000", "session.timeout.ms": "6000", "heartbeat.interval.ms": "1000"}
#: More than `commit.reorder.ms`: commits of two clients are in the order of their dates only if these are so far apart.
APART_S = 6
REBALANCED, SOUGHT, RESET, KILLED = "rebalanced", "sought", "reset", "killed"
ABORTED, COMPACTED, EXACTLY_ONCE, FORWARDED, UNTRACED = "aborted", "compacted", "exactly-once", "forwarded", "untraced"
SHRUNK = "shrunk"
CLOSING = "closing"
TOPICS = (REBALANCED, SOUGHT, RESET, KILLED, ABORTED, COMPACTED, EXACTLY_ONCE, FORWARDED, UNTRACED, SHRUNK, CLOSING)
#: Whose headers are read.
READ = (KILLED, ABORTED, FORWARDED, SHRUNK, CLOSING)
#: What is not in the newest segment is compacted at once.
COMPACTION = {"cleanup.policy": "compact", "segment.ms": "500", "min.cleanable.dirty.ratio": "0.01"}
EAGER_CLEANER = {"log.cleaner.backoff.ms": "300"}
#: All deadlines.
WAIT_MS = 3000
WITHIN_S = 120


class Scenario:
    """Runs it. `folder` takes what the clients say."""

    def __init__(self, servers: str, folder: Path) -> None:
        self.servers = servers
        self.folder = folder
        self.admin = AdminClient({"bootstrap.servers": servers})

    def run(self) -> None:
        made = [NewTopic(topic, 1, 1, config=COMPACTION if topic in {COMPACTED, SHRUNK} else {}) for topic in TOPICS]
        for created in self.admin.create_topics(made).values():
            created.result(30)
        with Clients(self.servers, self.folder) as self.clients, ThreadPoolExecutor(2) as pool:
            chains = [pool.submit(self.run_all, self.crashes()), pool.submit(self.run_all, self.changes())]
            for chain in chains:
                chain.result()
        time.sleep(1.5 * WAIT_MS / 1000)
        self.write(CLOSING, 1, headers={"correlationId": "past all deadlines"})

    def run_all(self, parts: list[Callable[[], None]]) -> None:
        for part in parts:
            part()

    def crashes(self) -> list[Callable[[], None]]:
        return [self.a_rebalance_in_the_middle_of_a_batch, self.a_killed_producer, self.a_compacted_topic]

    def changes(self) -> list[Callable[[], None]]:
        return [
            self.an_offset_reset,
            self.a_producer_that_aborts,
            self.an_untraced_producer,
            self.messages_that_vanish_before_their_group_comes,
            self.a_seek_to_the_beginning,
            self.commits_inside_transactions,
        ]

    def produce(self, topic: str, count: int, **more) -> None:
        self.clients.producer(f"{topic}-producer", topic, count=count, properties=PATIENT, **more).wait(WITHIN_S)

    def consume(self, name: str, topic: str, count: int, **properties: str) -> None:
        """The group named like the topic reads so many messages, commits each batch, and ends."""
        own = {key.replace("_", "."): value for key, value in properties.items()}
        self.clients.consumer(name, topic, topic, count=count, properties=own).wait(WITHIN_S)

    def write(
        self, topic: str, count: int, keys: int = 1, key: str = "", headers: dict[str, str] | None = None
    ) -> None:
        """So many messages without any trace."""
        producer = Producer({"bootstrap.servers": self.servers})
        for number in range(count):
            producer.produce(topic, b"x", key or str(number % keys), headers=headers)
        assert producer.flush(30) == 0

    def a_rebalance_in_the_middle_of_a_batch(self) -> None:
        """The first of the group is killed before it commits, the second reads all again."""
        crashing = self.clients.consumer("rebalanced-1", REBALANCED, REBALANCED, auto_commit=True, properties=CRASHING)
        self.produce(REBALANCED, 40)
        crashing.wait_for(40, WITHIN_S)
        crashing.kill()
        self.consume("rebalanced-2", REBALANCED, 40)

    def an_offset_reset(self) -> None:
        """Of 60 messages 30 are read; then the group is set back by 20, reads these, and is set past the next 10."""
        self.produce(RESET, 60)
        self.consume("reset-1", RESET, 30, max_poll_records="10")
        self.set_offset(10)
        time.sleep(APART_S)
        self.consume("reset-2", RESET, 20, max_poll_records="10")
        self.set_offset(40)
        self.consume("reset-3", RESET, 20, max_poll_records="10")

    def set_offset(self, offset: int) -> None:
        request = ConsumerGroupTopicPartitions(RESET, [TopicPartition(RESET, 0, offset)])
        self.admin.alter_consumer_group_offsets([request])[RESET].result(30)

    def a_compacted_topic(self) -> None:
        """40 messages are compacted to 5; only then a group reads them and the 10 that came later."""
        self.produce(COMPACTED, 40, keys=5)
        time.sleep(0.6)
        self.write(COMPACTED, 10, keys=10)
        wait_until(lambda: self.offsets(COMPACTED) == set(range(35, 50)), 30, lambda: str(self.offsets(COMPACTED)))
        self.consume("compacted-1", COMPACTED, 15)

    def messages_that_vanish_before_their_group_comes(self) -> None:
        """A group has read the first message; of 40 more, all acknowledged, compaction leaves it 5."""
        self.write(SHRUNK, 1, key="first")
        self.consume("shrunk-1", SHRUNK, 1)
        self.produce(SHRUNK, 40, keys=5)
        time.sleep(0.6)
        self.write(SHRUNK, 10, keys=10)
        left = {0, *range(36, 51)}
        wait_until(lambda: self.offsets(SHRUNK) == left, 30, lambda: str(self.offsets(SHRUNK)))
        self.consume("shrunk-2", SHRUNK, 15)

    def an_untraced_producer(self) -> None:
        self.write(UNTRACED, 20)
        self.consume("untraced-1", UNTRACED, 20)

    def a_killed_producer(self) -> None:
        producer = self.clients.producer("killed-producer", KILLED, rate=200, properties=PATIENT)
        wait_until(lambda: len(producer.produced()) >= 60, WITHIN_S)
        producer.kill()

    def a_producer_that_aborts(self) -> None:
        """10 messages are committed, 10 aborted, 10 committed; a group reads what is committed."""
        with TransactionalProducer(self.servers, "aborted-producer") as one:
            for is_committed in (True, False, True):
                one.transact(lambda: [one.send(ABORTED, b"x") for _ in range(10)], is_committed=is_committed)
        self.consume("aborted-1", ABORTED, 20, isolation_level="read_committed")

    def a_seek_to_the_beginning(self) -> None:
        """20 messages are read and committed; then the group seeks, and reads and commits the first 10 again."""
        with TransactionalProducer(self.servers, "sought-producer") as one:
            one.transact(lambda: [one.send(SOUGHT, b"x") for _ in range(20)])
        with SeekingConsumer(self.servers, "sought-consumer", SOUGHT, SOUGHT) as consumer:
            consumer.read(20)
            consumer.commit(20)
            consumer.seek(0)
            consumer.read(10)
            consumer.commit(10)

    def commits_inside_transactions(self) -> None:
        """What is read is sent on, and its offsets are committed by the producer: no interceptor sees that."""
        with TransactionalProducer(self.servers, "exactly-once-origin") as origin:
            origin.transact(lambda: [origin.send(EXACTLY_ONCE, b"x") for _ in range(15)])
        with (
            SeekingConsumer(self.servers, "exactly-once-consumer", EXACTLY_ONCE, EXACTLY_ONCE) as consumer,
            TransactionalProducer(self.servers, "exactly-once-producer") as copier,
        ):

            def copy() -> None:
                for message in consumer.read(15):
                    copier.send(FORWARDED, b"x", dict(message.headers())["correlationId"].decode())
                positions = [TopicPartition(EXACTLY_ONCE, 0, 15)]
                metadata = consumer.consumer.consumer_group_metadata()
                copier.producer.send_offsets_to_transaction(positions, metadata, 30)

            copier.transact(copy)

    def offsets(self, topic: str, isolation: str = "read_uncommitted") -> set[int]:
        """The offsets of the messages that are there."""
        return {message.offset() for message in messages(self.servers, topic, isolation)}


def messages(servers: str, topic: str, isolation: str = "read_uncommitted") -> list[Message]:
    """All of a topic with one partition; markers of transactions at its end are no messages."""
    configuration = {"bootstrap.servers": servers, "group.id": "looking", "enable.partition.eof": True}
    consumer = Consumer(configuration | {"enable.auto.commit": False, "isolation.level": isolation})
    consumer.assign([TopicPartition(topic, 0, OFFSET_BEGINNING)])
    found = []
    try:
        while True:
            message = consumer.poll(15)
            assert message is not None, f"{topic} gave nothing for 15 s"
            if message.error():
                assert message.error().code() == KafkaError._PARTITION_EOF, message.error()
                return found
            found.append(message)
    finally:
        consumer.close()
