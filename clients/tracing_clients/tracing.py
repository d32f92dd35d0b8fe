"""Sends traces beside the application: it never waits for them and never hears of their troubles.

The application's thread only appends a trace to a bounded queue. A thread of ours takes it from there, makes bytes of
it and gives it to a producer of ours:

    add ─ queue ─ thread ─ producer ─ _tracing
      └ full: dropped         └ refused or not delivered: failed
"""

import atexit
import time
from collections import Counter, deque
from collections.abc import Callable
from threading import Event, Lock, Thread
from typing import Any, NamedTuple, Protocol
from weakref import WeakSet

from confluent_kafka import Producer

from tracing_clients.settings import Settings, log
from tracing_clients.traces import Trace

IDLE_S = 0.05
BATCH = 1000


class Stats(NamedTuple):
    """What became of the traces of one client: `added` = `sent` + `dropped` + `failed` + `waiting`."""

    added: int
    sent: int
    dropped: int
    failed: int
    waiting: int
    #: Exceptions of ours that the application did not see.
    errors: int


class Sender(Protocol):
    """As much of a producer as sends traces."""

    def produce(self, topic: str, value: str, key: str) -> None:
        """Take a record; BufferError when there is no room."""

    def poll(self, timeout: float) -> int:
        """Call back for what is delivered."""

    def flush(self, timeout: float) -> int:
        """Wait for what is not."""

    def __len__(self) -> int:
        """How many are neither delivered nor given up."""


class Tracing:
    """The traces of one client. `make` makes the producer that sends them, from its configuration."""

    def __init__(self, settings: Settings, make: Callable[[dict[str, Any]], Sender] = Producer) -> None:
        self.settings = settings
        self._make = make
        self._queue: deque[Trace] = deque()
        # Each is counted by one thread alone: no lock is needed, and none is taken where the application passes.
        self._added = self._dropped = self._failed = 0
        self._producer: Sender | None = None
        self._errors: Counter[str] = Counter()
        # Held while a trace goes from the queue to the producer: it would be counted in both.
        self._moving = Lock()
        self._closing = Event()
        self._deadline = float("inf")
        self._thread = Thread(target=self._run, name=f"{settings.client_id}-tracing", daemon=True)
        if settings.enabled:
            self._thread.start()
            _open.add(self)

    def add(self, trace: Trace) -> None:
        """Have a trace sent, sooner or later; dropped when too many wait or all is over. Never raises, never waits."""
        if not self.settings.enabled:
            return
        self._added += 1
        if len(self._queue) >= self.settings.queue_max or self._closing.is_set():
            self._dropped += 1
        else:
            self._queue.append(trace)

    def went_wrong(self, error: BaseException) -> None:
        """Count an exception that the application shall not see; the first of a kind goes to the log."""
        kind = type(error).__name__
        self._errors[kind] += 1
        if self._errors[kind] == 1:
            log.warning("Tracing went wrong: %s: %s. More of this kind are counted only.", kind, error)

    def stats(self) -> Stats:
        """The counts up to now."""
        with self._moving:
            queued, added, dropped, failed = len(self._queue), self._added, self._dropped, self._failed
            handed = added - dropped - failed - queued
            # The length of a producer counts its own errors too, which wait to be told: more than it was handed.
            unsent = min(handed, len(self._producer)) if self._producer is not None else 0
        return Stats(added, handed - unsent, dropped, failed, queued + unsent, self._errors.total())

    def end(self) -> None:
        """Ask for the end: what waits is still sent, within `close_ms`. Does not wait for it."""
        if not self._closing.is_set():
            self._deadline = time.monotonic() + self.settings.close_ms / 1000
            self._closing.set()

    def close(self) -> None:
        """End, and wait for it `close_ms` at most; what is not sent then is lost and stays `waiting`."""
        self.end()
        if self._thread.is_alive():
            self._thread.join(max(0.0, self._deadline - time.monotonic()) + IDLE_S)
        _open.discard(self)

    def _run(self) -> None:
        try:
            # To hear of success too would cost as much again as the sending.
            own = {"delivery.report.only.error": True, "on_delivery": self._not_delivered, "error_cb": _ignored}
            producer = self._producer = self._make(own | self.settings.producer)
        except Exception as error:  # noqa: BLE001 - whatever it is, it is not the application's trouble
            self.end()
            self.went_wrong(error)
            return
        while not self._closing.is_set() or (self._queue and time.monotonic() < self._deadline):
            self._guarded(self._send_some, producer)
        self._guarded(lambda: producer.flush(max(0.0, self._deadline - time.monotonic())))

    def _guarded(self, work: Callable[..., object], *arguments: object) -> None:
        try:
            work(*arguments)
        except Exception as error:  # noqa: BLE001 - the same
            self.went_wrong(error)

    def _send_some(self, producer: Sender) -> None:
        for _ in range(min(BATCH, len(self._queue))):
            trace = self._queue[0]
            with self._moving:
                try:
                    key, value = trace.record()
                    producer.produce(self.settings.topic, value, key)
                except BufferError:  # the brokers are slow or away: the queue takes what comes meanwhile
                    break
                except Exception:
                    self._failed += 1
                    self._queue.popleft()
                    raise
                self._queue.popleft()
        else:
            producer.poll(0 if self._queue else IDLE_S)
            return
        producer.poll(IDLE_S)

    def _not_delivered(self, error: object, _message: object) -> None:
        self._failed += 1
        if self._failed == 1:
            log.warning("Traces are not delivered: %s. More are counted only.", error)


def _ignored(_error: object) -> None:
    """Brokers that are away are the application's to notice; our traces wait or fail."""


_open: WeakSet[Tracing] = WeakSet()


@atexit.register
def _close_all() -> None:
    """Who ends without closing its clients, as scripts do, has its traces sent all the same; all at once."""
    for tracing in (still_open := list(_open)):
        tracing.end()
    for tracing in still_open:
        tracing.close()
