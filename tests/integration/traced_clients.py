"""For tests: clients in Python that write the raw traces that Java interceptors write, where Kafka's tools cannot."""

import json
import time
import uuid
from collections.abc import Callable
from typing import Self

from confluent_kafka import Consumer, Message, Producer, TopicPartition

from tests.histories import date_at

TRACING = "_tracing"
WITHIN_S = 30


class Traced:
    """Writes raw traces of one client; nothing is lost, since leaving the block flushes them."""

    def __init__(self, servers: str, client_id: str, tracing: str = TRACING) -> None:
        self.client_id = client_id
        self._tracing = tracing
        self._traces = Producer({"bootstrap.servers": servers})

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        assert self._traces.flush(WITHIN_S) == 0

    def trace(self, kind: str, key: dict, **fields) -> None:
        value = {"id": str(uuid.uuid4()), "date": date_at(time.time_ns()), "type": kind, "clientId": self.client_id}
        self._traces.produce(self._tracing, json.dumps({**value, **key, **fields}), json.dumps(key))


class TransactionalProducer(Traced):
    """A producer with a transactional id, which is its client id too."""

    def __init__(self, servers: str, client_id: str) -> None:
        super().__init__(servers, client_id)
        self.producer = Producer({"bootstrap.servers": servers, "transactional.id": client_id})
        self.producer.init_transactions(WITHIN_S)

    def transact(self, work: Callable[[], object], *, is_committed: bool = True) -> None:
        """Do this in a transaction, and commit or abort it when all is acknowledged."""
        self.producer.begin_transaction()
        work()
        assert self.producer.flush(WITHIN_S) == 0
        if is_committed:
            self.producer.commit_transaction(WITHIN_S)
        else:
            self.producer.abort_transaction(WITHIN_S)

    def send(self, topic: str, value: bytes, correlation_id: str | None = None) -> None:
        correlation_id = correlation_id or str(uuid.uuid4())
        self.trace("SEND", {"correlationId": correlation_id}, topic=topic)
        headers = {"correlationId": correlation_id}
        self.producer.produce(topic, value, headers=headers, on_delivery=self._acknowledged)

    def _acknowledged(self, error: object, message: Message) -> None:
        assert error is None, error
        self.trace("ACK", place(message))


class SeekingConsumer(Traced):
    """The only consumer of a group; it reads one partition, from the earliest message unless it seeks."""

    def __init__(self, servers: str, client_id: str, group: str, topic: str, tracing: str = TRACING) -> None:
        super().__init__(servers, client_id, tracing)
        self.group, self.topic = group, topic
        configuration = {"bootstrap.servers": servers, "group.id": group, "enable.auto.commit": False}
        self.consumer = Consumer(configuration | {"auto.offset.reset": "earliest"})
        self.consumer.assign([TopicPartition(topic, 0, 0)])

    def __exit__(self, *error: object) -> None:
        super().__exit__(*error)
        self.consumer.close()

    def read(self, count: int) -> list[Message]:
        messages: list[Message] = []
        deadline = time.monotonic() + WITHIN_S
        while len(messages) < count:
            assert time.monotonic() < deadline, f"{len(messages)} of {count} messages"
            messages += self.consumer.consume(count - len(messages), 1)
        for message in messages:
            assert message.error() is None
            [correlation_id] = [value.decode() for name, value in message.headers() if name == "correlationId"]
            self.trace("CONSUME", {**place(message), "groupId": self.group}, correlationId=correlation_id)
        return messages

    def commit(self, offset: int) -> None:
        """`offset` is the next one to read."""
        position = TopicPartition(self.topic, 0, offset)
        self.consumer.commit(offsets=[position], asynchronous=False)
        key = {"topic": self.topic, "partition": 0, "offset": offset - 1, "groupId": self.group}
        self.trace("COMMIT", key)

    def seek(self, offset: int) -> None:
        self.consumer.seek(TopicPartition(self.topic, 0, offset))


def place(message: Message) -> dict:
    return {"topic": message.topic(), "partition": message.partition(), "offset": message.offset()}
