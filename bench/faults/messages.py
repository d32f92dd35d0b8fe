"""Messages with traces in real time, and what must come out of them: told by who made them, not by who joins them."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, NamedTuple
from uuid import uuid4

import orjson

from bench.generate import MS, SECOND, java_date

PARTITIONS = 4
GROUP, BEHIND = "billing", "billing-behind"
#: From a SEND to its CONSUME: so long a message is open, and faults come in between.
LAG = 5 * SECOND
CLOCK_BEHIND = 30 * SECOND
#: Which of ten messages of a partition are as they should not be; the last two never, so that their group goes past.
_CYCLE = 10


class Flaw(Enum):
    """What is wrong with a message."""

    NONE = None
    UNACKED = 3
    UNCONSUMED = 5
    TWICE = 7


class Timed(NamedTuple):
    """A raw trace: when it is written (ns), to which of the two partitions in use, and its value."""

    due: int
    partition: int
    value: bytes


@dataclass
class Expected:
    """What must be there in the end: fields of traces by id, ids of open findings."""

    traces: dict[str, dict[str, Any]] = field(default_factory=dict)
    findings: set[str] = field(default_factory=set)


class Messages:
    """The messages of one topic. `is_behind`: from the middle on they are read by a group whose clock is behind."""

    def __init__(self, topic: str) -> None:
        self.topic = topic
        self.expected = Expected()
        self.is_behind = False
        self._number = 0

    @property
    def is_between_cycles(self) -> bool:
        """Whether the next message is the first of a cycle in its partition: the moment to change anything."""
        return self._number % (PARTITIONS * _CYCLE) == 0

    def next(self, now: int) -> Iterator[Timed]:
        """The traces of one more message, sent now."""
        partition, offset = self._number % PARTITIONS, self._number // PARTITIONS
        flaw = next((one for one in Flaw if one.value == offset % _CYCLE), Flaw.NONE)
        home = self._number % 2
        self._number += 1
        place = {"topic": self.topic, "partition": partition, "offset": offset}
        correlation = str(uuid4())
        named = {**place, "correlationId": correlation}

        send = {"topic": self.topic, "correlationId": correlation, "clientId": "shop"}
        identity, trace = self._trace("SEND", now, home, send, named)
        yield trace
        if flaw is Flaw.UNACKED:
            self.expected.findings.add(f"unacked:{identity}:{partition}:{offset}")
        else:
            yield self._trace("ACK", now + 3 * MS, 1 - home, named | {"clientId": "shop"}, {"durationMs": 3})[1]
        group = BEHIND if self.is_behind else GROUP
        if flaw is Flaw.UNCONSUMED:
            self.expected.findings.add(f"unconsumed:{group}:{self.topic}:{partition}:{offset}")
            return
        error = CLOCK_BEHIND if self.is_behind else 0
        read, written = now + LAG - error, now + LAG
        for delivery in (1, 2) if flaw is Flaw.TWICE else (1,):
            told = named | {"clientId": f"reader-{delivery}", "groupId": group}
            joined = {"durationMs": (read - now) // MS, "deliveryCount": delivery}
            identity, trace = self._trace("CONSUME", read, 1 - home, told, joined, written)
            yield trace
            if self.is_behind:
                self.expected.findings.add(f"negative-latency:{identity}")
            if delivery == 2:  # noqa: PLR2004  the second
                self.expected.findings.add(f"over-consumed:{identity}")
            read += MS
        told = place | {"clientId": "reader-1", "groupId": group}
        yield self._trace("COMMIT", read + MS, home, told, {"correlationId": correlation}, written + 2)[1]

    def _trace(
        self, kind: str, date: int, home: int, told: dict[str, Any], joined: dict[str, Any], due: int = 0
    ) -> tuple[str, Timed]:
        identity = str(uuid4())
        self.expected.traces[identity] = {"type": kind, **joined}
        value = {"id": identity, "type": kind, "date": java_date(date), **told}
        return identity, Timed(due or date, home, orjson.dumps(value))
