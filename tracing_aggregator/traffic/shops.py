"""The shops: producers of orders, which they send once, twice, or so that they get lost."""

from collections.abc import Mapping
from typing import Any

from tracing_aggregator.traffic.deliveries import CORRELATION_ID, WITHIN_S, delivery_to
from tracing_aggregator.traffic.plan import SHOPS, Fault, Order
from tracing_aggregator.traffic.till import Till
from tracing_aggregator.traffic.truth import Truth
from tracing_clients import TracingProducer
from tracing_clients.traces import new_id

ORDERS = "orders"


class Shops:
    """Sells what is ordered, all from one thread. `properties` are librdkafka's; leave with `close`."""

    def __init__(self, properties: Mapping[str, Any], truth: Truth) -> None:
        self._properties = dict(properties)
        self._truth = truth
        own = {"enable.idempotence": True, "linger.ms": 5}
        self._producers = {shop: TracingProducer({**properties, **own, "client.id": shop}) for shop in SHOPS}
        self._till: Till | None = None

    def sell(self, order: Order, partition: int = -1) -> None:
        """Send an order; without a partition its customer decides which one."""
        for producer in self._producers.values():
            producer.poll(0)
        if order.fault is Fault.LOST:
            self._flush()
            self._till = self._till or Till(self._properties, self._truth)
            self._till.lose(ORDERS, order.value, order.customer)
            return
        name = new_id()
        if order.fault is Fault.DUPLICATE:
            self._truth.sent_twice(name)
            self._send(order, name, partition)
        self._send(order, name, partition)

    def close(self) -> None:
        """Wait until all is acknowledged or has failed, for 30 s at most, and end."""
        self._flush()
        for producer in self._producers.values():
            producer.close()
        if self._till:
            self._till.close()

    def _flush(self) -> None:
        for producer in self._producers.values():
            producer.flush(WITHIN_S)

    def _send(self, order: Order, name: str, partition: int) -> None:
        told = delivery_to(self._truth, name, order.shop)
        headers = {CORRELATION_ID: name}
        producer = self._producers[order.shop]
        producer.produce(ORDERS, order.value, order.customer, partition, on_delivery=told, headers=headers)
