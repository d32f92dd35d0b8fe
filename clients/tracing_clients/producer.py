"""A producer that is traced: SEND when a message is handed over, ACK when it is delivered or has failed.

And COMMIT for the offsets that it commits in a transaction, once that is committed.
"""

import time
import weakref
from typing import Any, TypeAlias

from confluent_kafka import TIMESTAMP_NOT_AVAILABLE, KafkaError, Message, Producer

from tracing_clients.correlation import Headers, with_correlation
from tracing_clients.settings import is_true, split
from tracing_clients.traces import NANOS, NOWHERE, Trace
from tracing_clients.tracing import Tracing
from tracing_clients.transactions import SentOffsets

Callback: TypeAlias = Any
ONLY_ERRORS = "delivery.report.only.error"


class TracingProducer(Producer):
    """confluent-kafka's `Producer`, traced.

    It is configured like that, plus the properties of `tracing_clients.settings`. Each message is given a header
    `correlationId` if it has none. `tracing` tells how the tracing fares.
    """

    def __init__(self, config: dict[str, Any] | None = None, /, **more: Any) -> None:
        plain, settings = split({**(config or {}), **more})
        self._on_delivery: Callback = plain.get("on_delivery")
        # Deliveries are to be seen by us in any case, and by the application as it wished.
        self._only_errors = settings.enabled and is_true(plain.pop(ONLY_ERRORS, False))
        super().__init__(plain)
        self._offsets = SentOffsets()
        self.tracing = Tracing(settings)
        weakref.finalize(self, self.tracing.end).atexit = False

    def produce(
        self,
        topic: str,
        value: Any = None,
        key: Any = None,
        partition: int = -1,
        callback: Callback = None,
        on_delivery: Callback = None,
        timestamp: int = 0,
        headers: Any = None,
    ) -> None:
        """As `Producer.produce`. What it refuses, by an exception, was not sent and has no trace."""
        wanted = callback or on_delivery
        if not self.tracing.settings.enabled:
            super().produce(
                topic, value, key, partition, on_delivery=self._wrapped(wanted), timestamp=timestamp, headers=headers
            )
            return
        named, send = self._send(topic, headers)
        told = self._wrapped(wanted, send)
        super().produce(topic, value, key, partition, on_delivery=told, timestamp=timestamp, headers=named)
        if send:
            self.tracing.add(send)

    def produce_batch(
        self,
        topic: str,
        messages: list[dict[str, Any]],
        partition: int = -1,
        callback: Callback = None,
        on_delivery: Callback = None,
    ) -> int:
        """As `Producer.produce_batch`, which takes no headers: only the ACK says which message it is."""
        wanted = callback or on_delivery
        if not self.tracing.settings.enabled or not _are_messages(messages):
            return super().produce_batch(topic, messages, partition, on_delivery=self._wrapped(wanted))
        sends = [self._send(topic, None)[1] for _ in messages]
        copies = [
            {**message, "callback": self._wrapped(message.get("callback") or wanted, send)}
            for message, send in zip(messages, sends, strict=True)
        ]
        count = super().produce_batch(topic, copies, partition)
        for message, copy, send in zip(messages, copies, sends, strict=True):
            if "_error" in copy:
                message["_error"] = copy["_error"]
            elif send:
                self.tracing.add(send)
        return count

    def begin_transaction(self) -> None:
        """As `Producer.begin_transaction`."""
        super().begin_transaction()
        self._offsets.clear()

    def send_offsets_to_transaction(self, positions: Any, group_metadata: Any, *timeout: Any, **named: Any) -> None:
        """As `Producer.send_offsets_to_transaction`."""
        super().send_offsets_to_transaction(positions, group_metadata, *timeout, **named)
        try:
            self._offsets.send(positions, group_metadata)
        except Exception as error:  # noqa: BLE001 - they are sent, and that is what the application wanted
            self.tracing.went_wrong(error)

    def commit_transaction(self, *timeout: Any, **named: Any) -> None:
        """As `Producer.commit_transaction`; the offsets sent to it have their COMMIT then."""
        super().commit_transaction(*timeout, **named)
        for trace in self._offsets.committed(self.tracing.settings.client_id):
            self.tracing.add(trace)

    def abort_transaction(self, *timeout: Any, **named: Any) -> None:
        """As `Producer.abort_transaction`."""
        super().abort_transaction(*timeout, **named)
        self._offsets.clear()

    def close(self) -> bool:
        """As `Producer.close`; then its traces have `tracing.close.ms` to leave."""
        try:
            return super().close()
        finally:
            self.tracing.close()

    def __exit__(self, *error: object) -> bool | None:
        try:
            return super().__exit__(*error)
        finally:
            self.tracing.close()

    def _send(self, topic: str, headers: Headers | None) -> tuple[Headers | None, Trace | None]:
        """The headers to send and the trace of it; what is given and None if something is odd about it."""
        try:
            now = time.time_ns()
            settings = self.tracing.settings
            named, name = with_correlation(headers, traceparent=settings.traceparent)
            return named, Trace("SEND", now, settings.client_id, topic, correlation_id=name)
        except Exception as error:  # noqa: BLE001 - the producer itself says what is wrong with its arguments
            self.tracing.went_wrong(error)
            return headers, None

    def _wrapped(self, callback: Callback, send: Trace | None = None) -> Callback:
        """The application's callback, after ours."""
        callback = callback or self._on_delivery
        if send is None and not self._only_errors:
            return callback

        def delivered(error: KafkaError | None, message: Message) -> None:
            if send is not None:
                self._acknowledged(send, error, message)
            if callback is not None and not (self._only_errors and error is None):
                callback(error, message)

        return delivered

    def _acknowledged(self, send: Trace, error: KafkaError | None, message: Message) -> None:
        try:
            self.tracing.add(acknowledgement(send, error, message))
        except Exception as wrong:  # noqa: BLE001 - nothing of ours may stop the application's callback
            self.tracing.went_wrong(wrong)


def acknowledgement(send: Trace, error: KafkaError | None, message: Message) -> Trace:
    """The ACK of a SEND. It is dated when the broker's answer came, however much later the application asked for it."""
    kind, milliseconds = message.timestamp()
    timestamp = None if kind == TIMESTAMP_NOT_AVAILABLE else milliseconds
    _, at, client_id, topic, partition, offset, name, *_ = send
    reason = None
    if error is not None:
        at, reason = time.time_ns(), error.name()
    else:
        latency = message.latency()
        at = time.time_ns() if latency is None else at + int(latency * NANOS)
        partition = _or_nowhere(message.partition())
        offset = _or_nowhere(message.offset())  # None without acknowledgements
    return Trace("ACK", at, client_id, topic, partition, offset, name, None, timestamp, reason)


def _or_nowhere(number: int | None) -> int:
    return NOWHERE if number is None or number < 0 else number


def _are_messages(messages: Any) -> bool:
    return isinstance(messages, list) and all(isinstance(message, dict) for message in messages)
