"""Writes messages at a fixed rate from a thread, whatever happens to the broker in between."""

import heapq
import threading
import time
from itertools import count
from types import TracebackType
from typing import Self

from confluent_kafka import Producer

from bench.faults.messages import PARTITIONS, Messages, Timed
from bench.generate import SECOND

TICK_S = 0.02
FLUSH_S = 300
TRACES_PER_MESSAGE = 4


class Traffic:
    """Runs inside the block; at its end what is open is completed, in real time.

    Partitions 0 and 1 of the tracing topic are written to, any others never.
    """

    def __init__(self, servers: str, tracing: str, messages: Messages, traces_per_s: int) -> None:
        self._messages = messages
        self._tracing = tracing
        self._interval = SECOND * TRACES_PER_MESSAGE // traces_per_s
        # Idempotent: an outage neither doubles nor reorders, so what comes out twice is our doing.
        self._producer = Producer(
            {
                "bootstrap.servers": servers,
                "enable.idempotence": True,
                "linger.ms": 5,
                "delivery.timeout.ms": FLUSH_S * 1000,
                "log_level": 0,
            }
        )
        self._heap: list[tuple[int, int, Timed]] = []
        self._order = count()
        self._stop = threading.Event()
        self._jump = threading.Event()
        self._silent = threading.Event()
        self._moved: dict[int, int] = {}
        self._thread = threading.Thread(target=self._run, name="traffic", daemon=True)

    def set_clock_back(self) -> None:
        """From the next cycle on another group reads, whose clock is behind."""
        self._jump.set()

    def pause(self, seconds: float) -> None:
        """Write nothing for so long; what is due meanwhile is written late."""
        self._silent.set()
        time.sleep(seconds)
        self._silent.clear()

    def move(self, partition: int, to: int) -> None:
        """From now on write to another partition of the tracing topic what went to this one."""
        self._moved[partition] = to

    def produce(self, value: bytes) -> None:
        """One record as it is."""
        self._producer.produce(self._tracing, value, partition=0)

    def _run(self) -> None:
        due = time.time_ns()
        while not self._stop.is_set() or not self._messages.is_between_cycles:
            while due <= time.time_ns():
                for _ in range(PARTITIONS):
                    if self._jump.is_set() and self._messages.is_between_cycles:
                        self._messages.is_behind = True
                    for trace in self._messages.next(due):
                        heapq.heappush(self._heap, (trace.due, next(self._order), trace))
                due += self._interval * PARTITIONS
                if self._stop.is_set() and self._messages.is_between_cycles:
                    break
            self._write(time.time_ns())
            time.sleep(TICK_S)
        while self._heap:
            self._write(time.time_ns())
            time.sleep(TICK_S)

    def _write(self, now: int) -> None:
        while self._heap and self._heap[0][0] <= now and not self._silent.is_set():
            _, _, trace = heapq.heappop(self._heap)
            partition = self._moved.get(trace.partition, trace.partition)
            self._producer.produce(self._tracing, trace.value, partition=partition)
        self._producer.poll(0)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        self._thread.join()
        left = self._producer.flush(FLUSH_S)
        if left and error is None:
            raise TimeoutError(f"{left} traces were not taken by the broker within {FLUSH_S} s")
