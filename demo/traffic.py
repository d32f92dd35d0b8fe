"""The demo's traffic: two producers write to one topic, two consumer groups read it, and one consumer crashes at times.

The crash is what makes over-consumption: that consumer commits only every few seconds, so the next one of its group
gets again what it had read since.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event, Thread

from demo.clients import Clients, Consumer

TOPIC = "orders"
PARTITIONS = 3
KEYS = 50
CRASH_EACH_S = 45.0
# Kafka's verifiable producer would give up at the first hitch of a new topic.
PATIENT = {"retries": "1000"}
FRAGILE = {"auto.commit.interval.ms": "5000", "session.timeout.ms": "6000", "heartbeat.interval.ms": "1000"}


@contextmanager
def traffic(clients: Clients, rate: int) -> Iterator[None]:
    """Traffic of `rate` messages a second in all, at least 2, for as long as the block runs."""
    ending = Event()
    clients.consumer("billing-1", TOPIC, "billing")
    fragile = _shipping(clients)
    clients.producer("shop-web", TOPIC, rate=rate - rate // 2, keys=KEYS, properties=PATIENT)
    clients.producer("shop-app", TOPIC, rate=rate // 2, keys=KEYS, properties=PATIENT)
    crashes = Thread(target=_crash_at_times, args=(clients, fragile, ending), name="crashes", daemon=True)
    crashes.start()
    try:
        yield
    finally:
        ending.set()
        crashes.join()


def _crash_at_times(clients: Clients, consumer: Consumer, ending: Event) -> None:
    while not ending.wait(CRASH_EACH_S):
        consumer.kill()
        consumer = _shipping(clients)


def _shipping(clients: Clients) -> Consumer:
    return clients.consumer("shipping-1", TOPIC, "shipping", auto_commit=True, properties=FRAGILE)
