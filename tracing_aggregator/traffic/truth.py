"""What really happened, told by those who did it: JSON lines that the aggregator's word can be checked against.

Each line has `what`, `date` and the fields that a finding or a trace of it has too:

| what | is written when | what the aggregator says of it |
|---|---|---|
| `produced` | the broker acknowledged a message | SEND and ACK |
| `duplicated` | besides, if it has the correlationId of a message that is there already | `duplicate-produced` |
| `lost` | a message was acknowledged and is not in the log | `lost`, and `unconsumed` of each group |
| `failed` | the broker refused a message | `send-failed` |
| `consumed` | a group was given a message; `delivery` 1, 2, … | CONSUME; `over-consumed` with this `cause` from 2 on |
| `committed` | a group committed; `offset` is the last one read | COMMIT |
| `rewound` | a group set itself back from `fromOffset` to `offset`, both committed | `rewound` |
| `crashed` | a client ended without a commit of what it had read | |
"""

import json
import time
from collections import Counter
from collections.abc import Mapping
from threading import Lock
from typing import IO, NamedTuple

from tracing_clients.traces import date_of


class Place(NamedTuple):
    """Where a message lies."""

    topic: str
    partition: int
    offset: int


class Truth:
    """Takes it down from any thread. `lines` gets the JSON lines, None: they are only counted."""

    def __init__(self, lines: IO[str] | None = None) -> None:
        self.counts: Counter[str] = Counter()
        self._lines = lines
        self._lock = Lock()
        self._ends: dict[tuple[str, int], int] = {}
        # Names that are sent twice, and the topics where they are already.
        self._twice: dict[str, set[str]] = {}
        # By group, topic and partition: the highest offset read, and the next to read by the highest commit.
        self._read: dict[tuple[str, str, int], int] = {}
        self._settled: dict[tuple[str, str, int], int] = {}
        self._deliveries: Counter[tuple[str, Place]] = Counter()

    def sent_twice(self, correlation_id: str) -> None:
        """More than one message will have this name."""
        with self._lock:
            self._twice[correlation_id] = set()

    def produced(self, place: Place, correlation_id: str, client: str) -> None:
        """A message is in the log."""
        with self._lock:
            at = place.topic, place.partition
            self._ends[at] = max(self._ends.get(at, -1), place.offset)
            fields = {"correlationId": correlation_id, "clientId": client}
            self._tell("produced", place, fields)
            topics = self._twice.get(correlation_id)
            if topics is not None:
                if place.topic in topics:
                    self._tell("duplicated", place, fields)
                topics.add(place.topic)

    def lost(self, place: Place, correlation_id: str, client: str) -> None:
        """A message was acknowledged there, and is not."""
        with self._lock:
            self._tell("lost", place, {"correlationId": correlation_id, "clientId": client})

    def failed(self, topic: str, correlation_id: str, client: str, error: str) -> None:
        """The broker refused a message."""
        with self._lock:
            fields = {"correlationId": correlation_id, "clientId": client, "error": error}
            self._tell("failed", Place(topic, -1, -1), fields)

    def consumed(self, place: Place, group: str, correlation_id: str, client: str) -> None:
        """A group was given a message."""
        with self._lock:
            at = group, place.topic, place.partition
            fields = {"groupId": group, "correlationId": correlation_id, "clientId": client, "delivery": 1}
            if place.offset <= self._read.get(at, -1):
                self._deliveries[group, place] += 1
                fields["delivery"] = 1 + self._deliveries[group, place]
                fields["cause"] = "rewind" if place.offset < self._settled.get(at, 0) else "rebalance"
                self.counts["over-consumed"] += 1
            self._read[at] = max(self._read.get(at, -1), place.offset)
            self._tell("consumed", place, fields)

    def committed(self, place: Place, group: str, client: str) -> None:
        """A group committed; the offset is the last one read."""
        with self._lock:
            at = group, place.topic, place.partition
            self._settled[at] = max(self._settled.get(at, 0), place.offset + 1)
            self._tell("committed", place, {"groupId": group, "clientId": client})

    def rewound(self, place: Place, group: str, client: str, from_offset: int) -> None:
        """A group's commit went back."""
        with self._lock:
            self._tell("rewound", place, {"groupId": group, "clientId": client, "fromOffset": from_offset})

    def crashed(self, group: str, client: str) -> None:
        """A client ended in the middle of its work."""
        with self._lock:
            self._tell("crashed", None, {"groupId": group, "clientId": client})

    def ends(self, topic: str) -> dict[int, int]:
        """The highest offset produced, by partition."""
        with self._lock:
            return {partition: offset for (name, partition), offset in self._ends.items() if name == topic}

    def _tell(self, what: str, place: Place | None, fields: Mapping[str, object]) -> None:
        self.counts[what] += 1
        if self._lines is not None:
            where = place._asdict() if place else {}
            line = {"what": what, "date": date_of(time.time_ns()), **where, **fields}
            self._lines.write(json.dumps(line) + "\n")
