"""The traffic as a whole.

shops ─ orders ─┬─ billing (forwards) ─ payments ─ accounting
                └─ shipping (slow, set back, crashing, if that is wanted)
"""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Event

from pipeline.config.client_properties import to_librdkafka
from pipeline.config.load import Config
from runners.kafka.admin import TIMEOUT_S, Admin, talking_to_brokers
from runners.kafka.kafka_commands import KafkaCommands
from runners.kafka.topics import Wanted as Topic
from runners.kafka.topics import create, create_topics
from tracing_aggregator.traffic.groups import PAYMENTS, Forwarder, Reader, Slow
from tracing_aggregator.traffic.plan import SHOPS, Fault, Order, Wanted, orders
from tracing_aggregator.traffic.shops import ORDERS, Shops
from tracing_aggregator.traffic.truth import Truth

PARTITIONS = 3
POLL_S = 0.05
# Of librdkafka's own lines only errors: that a broker which has just started has to be asked twice is none.
QUIET = {"log_level": 3}
REWIND_EACH_S = 60.0
CRASH_EACH_S = 60.0


def run(config: Config, wanted: Wanted, truth: Truth, stop: Event, tell: Callable[[str], None]) -> None:
    """Make traffic until its seconds are over or `stop` is set; then all is read to its end.

    Raises `UserError` when the cluster cannot be reached.
    """
    make_topics(config)
    tracing = {"tracing.topic": config.settings.tracing_topic, "tracing.close.ms": 10_000}
    consuming = QUIET | to_librdkafka(config.consumer_properties()) | {"auto.offset.reset": "earliest"} | tracing
    producing = QUIET | to_librdkafka(config.producer_properties()) | tracing
    shops_closed, payments_made = Event(), Event()
    billing = Forwarder("billing", ORDERS, consuming, producing, truth)
    accounting = Reader("accounting", PAYMENTS, consuming, truth)
    shipping = Slow("shipping", ORDERS, consuming, truth, wanted.slow_ms)
    each = fault_times(wanted)
    with ThreadPoolExecutor(3) as pool:
        billed = pool.submit(billing.run, shops_closed)
        others = [
            pool.submit(accounting.run, payments_made),
            pool.submit(shipping.run, shops_closed, rewind_each_s=each[0], crash_each_s=each[1]),
        ]
        for one in (billed, *others):
            one.add_done_callback(lambda ended: stop.set() if ended.exception() else None)
        try:
            tell(f"{wanted.rate:g} orders a second to {config.settings.bootstrap_servers}; Ctrl-C ends it.")
            sell_all(Shops(producing, truth), wanted, stop)
        finally:
            shops_closed.set()
            try:
                billed.result()
            finally:
                billing.close()
                payments_made.set()
        for other in others:
            other.result()
    tell(", ".join(f"{count} {what}" for what, count in sorted(truth.counts.items())))


def fault_times(wanted: Wanted) -> tuple[float | None, float | None]:
    """Seconds between rewinds and between crashes; short traffic has one of each, and both at different times."""
    longest = wanted.seconds or REWIND_EACH_S * 2
    rewind = min(REWIND_EACH_S, longest) if wanted.rewind else None
    crash = min(CRASH_EACH_S, longest) * 1.4 if wanted.crash else None
    return rewind, crash


def sell_all(shops: Shops, wanted: Wanted, stop: Event) -> None:
    """Sell what is ordered when it is ordered, and one more to each partition.

    Whether a message is lost or was passed over shows only when there is one behind it.
    """
    began = time.monotonic()
    try:
        for order in orders(wanted):
            if stop.wait(max(0.0, began + order.at_s - time.monotonic())):
                break
            shops.sell(order)
        for partition in range(PARTITIONS):
            shops.sell(Order(0.0, next(iter(SHOPS)), "customer-0", b"{}", Fault.NONE), partition)
    finally:
        shops.close()


@talking_to_brokers()
def make_topics(config: Config) -> None:
    """The topics of the pipeline and of the traffic, as far as they are missing; returns when they can be used."""
    create_topics(config)
    admin = Admin(config)
    commands = KafkaCommands(config.settings.bootstrap_servers, admin)
    create(admin, commands, [Topic(ORDERS, {}), Topic(PAYMENTS, {})], PARTITIONS, dry_run=False)
    deadline = time.monotonic() + TIMEOUT_S
    while not _have_leaders(admin) and time.monotonic() < deadline:
        time.sleep(POLL_S)


def _have_leaders(admin: Admin) -> bool:
    topics = admin.client.list_topics(timeout=TIMEOUT_S).topics
    found = [topics[name].partitions.values() for name in (ORDERS, PAYMENTS) if name in topics]
    return len(found) == 2 and all(one and all(p.leader >= 0 for p in one) for one in found)  # noqa: PLR2004 - both
