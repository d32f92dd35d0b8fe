"""Raw traces as the Java interceptors write them: the same ones for the same `Traffic`, in order of date."""

import heapq
import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, NamedTuple

import orjson

MS = 1_000_000
SECOND = 1_000_000_000


class RawTrace(NamedTuple):
    """A record for the tracing topic; `date` in nanoseconds since the epoch is the one in its value."""

    date: int
    key: bytes
    value: bytes


@dataclass(frozen=True)
class Traffic:
    """Messages and what happens to each: SEND, ACK, then CONSUME and COMMIT by every group: four traces and more.

    `start` is the date of the first message (ns), `interval` the mean time between two (ns). Positions begin at
    offset 0 in each of the `partitions` of each of the `topics`. With `named_acks` an ACK has its correlationId, as
    those of our own clients: then a message without any group is found all the same.
    """

    messages: int
    start: int
    interval: int = 100_000
    groups: int = 1
    topics: tuple[str, ...] = ("orders", "payments")
    partitions: int = 4
    seed: int = 1
    named_acks: bool = False

    @property
    def outputs(self) -> int:
        """Aggregated traces that must come out, the commits of further messages among them."""
        return self.messages * (2 + 2 * self.groups)

    def traces(self) -> Iterator[RawTrace]:
        """All of them, lazily."""
        return _History(self).traces()


class _History:
    def __init__(self, traffic: Traffic) -> None:
        self._traffic = traffic
        self._random = random.Random(traffic.seed)  # noqa: S311  repeatable, not secret
        self._offsets: dict[tuple[str, int], int] = {}
        self._read_until: dict[tuple[str, int, int], int] = {}
        self._ahead: list[RawTrace] = []

    def traces(self) -> Iterator[RawTrace]:
        traffic = self._traffic
        for number in range(traffic.messages):
            sent = traffic.start + number * traffic.interval + self._random.randrange(traffic.interval)
            while self._ahead and self._ahead[0].date < traffic.start + number * traffic.interval:
                yield heapq.heappop(self._ahead)
            self._message(sent)
        while self._ahead:
            yield heapq.heappop(self._ahead)

    def _message(self, sent: int) -> None:
        traffic, chance = self._traffic, self._random
        topic, partition = chance.choice(traffic.topics), chance.randrange(traffic.partitions)
        offset = self._offsets.get((topic, partition), 0)
        self._offsets[topic, partition] = offset + 1
        producer, correlation = f"producer-{partition % 2 + 1}", self._uuid()
        self._add(sent, {"correlationId": correlation}, "SEND", producer, topic=topic, correlationId=correlation)
        place = {"topic": topic, "partition": partition, "offset": offset}
        named = {"correlationId": correlation} if traffic.named_acks else {}
        self._add(sent + chance.randint(1 * MS, 4 * MS), place, "ACK", producer, **place, **named)
        for group in range(1, traffic.groups + 1):
            # A consumer gets the records of a partition one after the other.
            before = self._read_until.get((topic, partition, group), 0)
            read = max(before + 1000, sent + chance.randint(5 * MS, 20 * MS))
            self._read_until[topic, partition, group] = read
            key, client = {**place, "groupId": f"group-{group}"}, f"consumer-{group}"
            self._add(read, key, "CONSUME", client, **place, correlationId=correlation)
            self._add(read + 500, key, "COMMIT", client, **place)

    def _add(self, date: int, key: dict[str, Any], kind: str, client: str, **fields: Any) -> None:
        value = {"id": self._uuid(), **fields, "date": java_date(date), "type": kind, "clientId": client}
        if "groupId" in key:
            value["groupId"] = key["groupId"]
        heapq.heappush(self._ahead, RawTrace(date, orjson.dumps(key), orjson.dumps(value)))

    def _uuid(self) -> str:
        digits = f"{self._random.getrandbits(128):032x}"
        return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-a{digits[17:20]}-{digits[20:]}"


def java_date(nanos: int) -> str:
    """As `java.time.Instant` prints it: 0, 3, 6 or 9 fraction digits."""
    seconds, fraction = divmod(nanos, SECOND)
    digits = f"{fraction:09d}"
    while digits.endswith("000"):
        digits = digits[:-3]
    return f"{_second(seconds)}.{digits}Z" if digits else f"{_second(seconds)}Z"


@lru_cache(maxsize=64)
def _second(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S")
