"""FindingsView: the findings of one reason, topic, group and minute, the first ones singly (the view of LimitFindings).

In: findings. Out: records for the anomaly topic, and how many findings are open now, for the statistics.

The first `burst` distinct ids are single records: what comes later under such an id replaces its record, a resolution
closes it. All other ids share one summary record, written again whenever it changes and resolved while none of its
findings is open. An id stays where it came first. A resolution of an id that is not open passes through.

The findings of one id must come in the order in which they were made, as those of one view do. Any order between ids
ends in the same count of open findings and the same number of records; which ids are single depends on who is first.
That a log restarted is told once for a partition (transforms/restarts.py), whatever its minute.

Counts are exact: the ids of all open findings are kept, as hashes. When the window of the minute has been final for as
long as findings may be late, all is forgotten; what comes later still begins anew.
"""

from base64 import b64decode, b64encode
from collections.abc import Iterable, Iterator
from hashlib import blake2b
from typing import Any

import orjson

from transforms.addresses import STATS, window_key
from transforms.dates import date_of, nanos_of
from transforms.findings import LOG_RESTARTED, MINUTE_MS, key_of
from transforms.json_bytes import dump
from transforms.packs import Event
from transforms.restarts import Restarts
from transforms.view import BYTES_PER_FACT, EXPIRED, Outputs
from transforms.waits import Waits, deadline_after

#: Kinds of events: a finding `("F", told, value)`, `told` being the event time (ms) at which it was told; a snapshot.
FOUND = "F"
HELD = "H"
RESTARTED = "R"
#: The event for the statistics: `("F", reason, group, count)`, the findings that are open now.
OPEN_FINDINGS = "F"

MAX_EXAMPLES = 5
_EXAMPLE_FIELDS = ("id", "partition", "offset", "correlationId")
_ID_BYTES = 8
#: Rough size in memory of the hash of an id.
_BYTES_PER_ID = 100


class _Summary:
    """What is said of the findings that are not single: those that are open, and what was seen of all of them."""

    def __init__(self) -> None:
        #: Hashes of the ids that are open.
        self.open: set[bytes] = set()
        self.found = 0
        #: The earliest and the latest date, each with its nanoseconds.
        self.first: tuple[int, str] | None = None
        self.last: tuple[int, str] | None = None
        #: Some that are open, by id.
        self.examples: dict[str, dict[str, Any]] = {}
        self.is_written = True

    def add(self, hashed: bytes, value: dict[str, Any]) -> None:
        self.is_written = False
        if hashed not in self.open:
            self.open.add(hashed)
            self.found += 1
        if "date" in value:
            dated = nanos_of(value["date"]), value["date"]
            self.first = dated if self.first is None else min(self.first, dated)
            self.last = dated if self.last is None else max(self.last, dated)
        if len(self.examples) < MAX_EXAMPLES or value["id"] in self.examples:
            self.examples[value["id"]] = {name: value[name] for name in _EXAMPLE_FIELDS if name in value}

    def close(self, hashed: bytes, identity: str) -> None:
        self.is_written = False
        self.open.remove(hashed)
        self.examples.pop(identity, None)


class FindingsView:
    """See the head of this file. `key` is a finding key; its minute is negative if no produce time or date is known.

    Then it is the minute in which the findings were told, which is no window of the statistics.
    """

    def __init__(self, key: bytes, waits: Waits, burst: int, cluster: str = "") -> None:
        self._reason, self._topic, self._group, minute = orjson.loads(key)
        self._minute = abs(minute)
        self._is_counted = self._topic is not None and minute > 0
        self._retention = waits.retention
        #: What is found when a message is forgotten waits for the next look at what is past retention.
        self._spare = waits.trim_interval + MINUTE_MS
        self._burst = burst
        self._cluster = cluster
        #: The latest time (ms) at which a finding was told; None when nothing is held.
        self._told: int | None = None
        #: Hashes of the ids that are single records, and whether they are open.
        self._singles: dict[bytes, bool] = {}
        self._summary = _Summary()
        self._restarts = Restarts()
        self._count = 0
        #: How often the count was told: it numbers what is told.
        self._tellings = 0
        self._out = Outputs()

    def apply(self, events: Iterable[list[Any]]) -> Outputs:
        """Take in a batch of findings; the summary and the count are told once for all of it."""
        self._out = outputs = Outputs()
        for event in events:
            kind = event[0]
            if kind == FOUND:
                self._found(event[1], event[2])
            elif kind == EXPIRED:
                self._expire(event[1])
            elif kind == RESTARTED:
                self._restarts.found(event[1])
            else:
                self._restore(event)
        outputs.records += [(key_of(value["id"]), dump(value)) for value in self._restarts.tell()]
        self._tell_summary()
        self._tell_count()
        outputs.counts["findings"] += len(outputs.records)
        return outputs

    def deadline(self) -> int | None:
        """When all is forgotten."""
        if self._told is None:
            return None
        told = self._told + self._retention if self._reason == LOG_RESTARTED else self._told
        return deadline_after(max(self._minute + MINUTE_MS + self._retention, told), self._spare)

    def facts(self) -> int:
        """The hashes of ids by their bytes, and one fact for all the rest."""
        hashes = len(self._singles) + len(self._summary.open)
        return 0 if self._told is None else 1 + self._restarts.facts() + hashes * _BYTES_PER_ID // BYTES_PER_FACT

    def _found(self, told: int, value: dict[str, Any]) -> None:
        self._told = told if self._told is None else max(self._told, told)
        if self._reason == LOG_RESTARTED:
            self._restarts.found(value)
            return
        identity = value["id"]
        hashed = blake2b(identity.encode(), digest_size=_ID_BYTES).digest()
        is_open = "resolved" not in value
        if hashed in self._summary.open:
            if is_open:
                self._summary.add(hashed, value)
            else:
                self._summary.close(hashed, identity)
            return
        if hashed in self._singles or (is_open and len(self._singles) < self._burst):
            self._singles[hashed] = is_open
        elif is_open:
            self._summary.add(hashed, value)
            return
        self._out.records.append((key_of(identity), dump(value)))

    def _expire(self, now: int) -> None:
        due = self.deadline()
        if due is not None and due <= now:
            self._told, self._singles, self._summary, self._count = None, {}, _Summary(), 0
            self._restarts = Restarts()

    def _tell_summary(self) -> None:
        summary = self._summary
        if summary.is_written:
            return
        summary.is_written = True
        start = date_of(self._minute)
        identity = f"{self._reason}:summary:{self._topic or ''}:{self._group or ''}:{start}"
        value = {
            "id": identity,
            "reason": self._reason,
            "topic": self._topic,
            "groupId": self._group,
            "summary": True,
            "windowStart": start,
            "count": len(summary.open),
            "found": summary.found,
            "firstDate": summary.first and summary.first[1],
            "lastDate": summary.last and summary.last[1],
            "examples": list(summary.examples.values()),
            "cluster": self._cluster or None,
            "resolved": None if summary.open else True,
        }
        known = {name: fact for name, fact in value.items() if fact is not None}
        self._out.records.append((key_of(identity), dump(known)))

    def _tell_count(self) -> None:
        count = sum(self._singles.values()) + len(self._summary.open)
        if count == self._count:
            return
        self._count = count
        if self._is_counted:
            self._tellings += 1
            event = (OPEN_FINDINGS, self._reason, self._group, count, 0, self._tellings)
            self._out.events.append((STATS, window_key(self._topic, self._minute), self._told or 0, event))

    def snapshot(self) -> Iterator[Event]:
        """One event that holds everything, hashes in base64."""
        if self._told is None:
            return
        singles, summary = self._singles, self._summary
        yield (
            HELD, self._told, self._tellings, _packed(hashed for hashed, is_open in singles.items() if is_open),
            _packed(hashed for hashed, is_open in singles.items() if not is_open), _packed(summary.open),
            summary.found, summary.first, summary.last, list(summary.examples.values()),
        )  # fmt: skip

        for value in self._restarts.state():
            yield RESTARTED, value

    def _restore(self, event: list[Any]) -> None:
        _, self._told, self._tellings, opened, closed, summarised, found, first, last, examples = event
        self._singles = dict.fromkeys(_unpacked(opened), True) | dict.fromkeys(_unpacked(closed), False)
        summary = self._summary
        summary.open, summary.found = set(_unpacked(summarised)), found
        summary.first, summary.last = first and tuple(first), last and tuple(last)
        summary.examples = {example["id"]: example for example in examples}
        self._count = sum(self._singles.values()) + len(summary.open)


def _packed(hashes: Iterable[bytes]) -> str:
    return b64encode(b"".join(hashes)).decode()


def _unpacked(packed: str) -> Iterator[bytes]:
    joined = b64decode(packed)
    for start in range(0, len(joined), _ID_BYTES):
        yield joined[start : start + _ID_BYTES]
