"""A consumer that is traced: CONSUME for each message it hands out, COMMIT for each partition that it commits."""

import time
import weakref
from collections.abc import Iterable
from typing import Any, cast

from confluent_kafka import TIMESTAMP_NOT_AVAILABLE, Consumer, Message, TopicPartition

from tracing_clients.correlation import correlation_of
from tracing_clients.settings import split
from tracing_clients.traces import Trace, new_id
from tracing_clients.tracing import Tracing


class TracingConsumer(Consumer):
    """confluent-kafka's `Consumer`, traced.

    It is configured like that, plus the properties of `tracing_clients.settings`. Commits are seen however they are
    made; those inside transactions by `TracingProducer`. `tracing` tells how the tracing fares.
    """

    def __init__(self, config: dict[str, Any] | None = None, /, **more: Any) -> None:
        plain, settings = split({**(config or {}), **more})
        self._on_commit = plain.get("on_commit")
        self._group = str(plain.get("group.id", ""))
        # Offsets that were committed while messages are being fetched: some may be of these very messages.
        self._committed: list[TopicPartition] = []
        self._fetching = False
        super().__init__({**plain, "on_commit": self._commit_done} if settings.enabled else plain)
        self.tracing = Tracing(settings)
        weakref.finalize(self, self.tracing.end).atexit = False

    def poll(self, timeout: float = -1) -> Message | None:
        """As `Consumer.poll`."""
        message = None
        self._fetching = True
        try:
            message = super().poll(timeout)
        finally:
            self._trace([message] if message is not None else [])
        return message

    def consume(self, num_messages: int = 1, timeout: float = -1) -> list[Message]:
        """As `Consumer.consume`."""
        messages: list[Message] = []
        self._fetching = True
        try:
            messages = super().consume(num_messages, timeout)
        finally:
            self._trace(messages)
        return messages

    def commit(self, *arguments: Any, **named: Any) -> Any:
        """As `Consumer.commit`."""
        committed = super().commit(*arguments, **named)
        if committed and self.tracing.settings.enabled:  # of an asynchronous one the callback tells
            self._committed += committed
            if not self._fetching:
                self._trace([])
        return committed

    def close(self) -> None:
        """As `Consumer.close`; then its traces have `tracing.close.ms` to leave."""
        try:
            super().close()
        finally:
            self._end()

    def __exit__(self, *error: object) -> bool | None:
        try:
            return super().__exit__(*error)
        finally:
            self._end()

    def _end(self) -> None:
        self._trace([])
        self.tracing.close()

    def _commit_done(self, error: object, offsets: list[TopicPartition]) -> None:
        if error is None:
            self._committed += offsets
        if self._on_commit is not None:
            self._on_commit(error, offsets)

    def _trace(self, messages: Iterable[Message]) -> None:
        """Deliveries first: what is committed was delivered before."""
        self._fetching = False
        if not self.tracing.settings.enabled:
            return
        try:
            for message in messages:
                if message.error() is None:
                    self.tracing.add(self._consumption(message))
            committed, self._committed = self._committed, []
            for offset in committed:
                if offset.error is None and offset.offset >= 0:
                    self.tracing.add(self._commitment(offset))
        except Exception as error:  # noqa: BLE001 - nothing of ours may keep a message from the application
            self.tracing.went_wrong(error)

    def _consumption(self, message: Message) -> Trace:
        kind, milliseconds = message.timestamp()
        settings = self.tracing.settings
        return Trace(
            "CONSUME",
            time.time_ns(),
            settings.client_id,
            cast("str", message.topic()),
            cast("int", message.partition()),
            cast("int", message.offset()),
            # A message without a name gets one that is known nowhere else.
            correlation_of(message.headers(), traceparent=settings.traceparent) or new_id(),
            self._group,
            None if kind == TIMESTAMP_NOT_AVAILABLE else milliseconds,
        )

    def _commitment(self, committed: TopicPartition) -> Trace:
        place = committed.topic, committed.partition, committed.offset - 1
        return Trace("COMMIT", time.time_ns(), self.tracing.settings.client_id, *place, group_id=self._group)
