"""What the shops sell, and what goes wrong on purpose: decided by a seed alone, so that it can be had again."""

import json
from collections.abc import Iterator
from enum import Enum
from random import Random
from typing import NamedTuple

#: Shops, and how much of the traffic is theirs.
SHOPS = {"shop-web": 0.6, "shop-app": 0.3, "shop-phone": 0.1}
ITEMS = ("apples", "bread", "coffee", "dates", "eggs")
CUSTOMERS = 1000
#: A few customers buy most: the share of customer n falls like 1/n.
_SKEW = [1 / number for number in range(1, CUSTOMERS + 1)]


class Fault(Enum):
    """What becomes of an order on its way to the log."""

    NONE = "none"
    #: Acknowledged, and not in the log.
    LOST = "lost"
    #: Sent twice under one name, as by a shop that did not wait for the answer.
    DUPLICATE = "duplicate"


class Wanted(NamedTuple):
    """What the user asks for: messages and redeliveries in numbers a second, shares of 1, seconds, milliseconds."""

    rate: float = 20.0
    seconds: float | None = None
    loss: float = 0.0
    duplicate: float = 0.0
    slow_ms: int = 0
    rewind: bool = False
    crash: bool = False
    seed: int = 0


class Order(NamedTuple):
    """An order: when it is placed, in seconds from the start, by whom, and what becomes of it."""

    at_s: float
    shop: str
    customer: str
    value: bytes
    fault: Fault


def orders(wanted: Wanted) -> Iterator[Order]:
    """All orders in time, without end if no `seconds` are given. They come at random, `rate` a second on average."""
    random = Random(wanted.seed)  # noqa: S311 - to be had again, not to be secret
    at_s, number = 0.0, 0
    while True:
        at_s += random.expovariate(wanted.rate)
        if wanted.seconds is not None and at_s >= wanted.seconds:
            return
        number += 1
        [shop] = random.choices(list(SHOPS), list(SHOPS.values()))
        [customer] = random.choices(range(CUSTOMERS), _SKEW)
        content = {"order": number, "item": random.choice(ITEMS), "cents": random.randrange(100, 10_000)}
        yield Order(at_s, shop, f"customer-{customer}", json.dumps(content).encode(), _fault(random.random(), wanted))


def _fault(chance: float, wanted: Wanted) -> Fault:
    if chance < wanted.loss:
        return Fault.LOST
    return Fault.DUPLICATE if chance < wanted.loss + wanted.duplicate else Fault.NONE


class Times:
    """When something happens that happens every so often: first after half the time; never if `every_s` is None."""

    def __init__(self, every_s: float | None, now_s: float) -> None:
        self._every_s = every_s
        self._next_s = now_s + every_s / 2 if every_s else float("inf")

    def is_due(self, now_s: float) -> bool:
        """Whether it is time; once for each time."""
        if now_s < self._next_s:
            return False
        self._next_s = now_s + (self._every_s or float("inf"))
        return True
