"""FindingsView: the findings of one reason, topic, group and minute, some of them singly (the view of LimitFindings).

In: findings. Out: records for the anomaly topic, and how many findings are open now, for the statistics.

Of all distinct ids the `burst` lowest are single records: what comes later under such an id replaces
its record, a resolution closes it. All other ids share one summary record, written again whenever it changes and
resolved while none of its findings is open. A single that has to give way to a lower one is closed as `summarised`. A
resolution of an id that is not open passes through.

The findings of one id must come in the order in which they were made, as those of one view do. Any order between ids
ends in the same records that are open. Of bounded input only what is open at its end has a record.
That a log restarted is told once for a partition (transforms/findings/restarts.py), whatever its minute.

Counts are exact: the ids of all open findings are kept, as hashes. When the window of the minute has been final for as
long as findings may be late, all is forgotten; what comes later still begins anew.
"""

from collections.abc import Iterator
from hashlib import blake2b
from typing import Any

import orjson
from msgspec import Struct, msgpack

from transforms.findings.finding_summary import Single, Summary
from transforms.findings.findings import LOG_RESTARTED, MINUTE_MS, key_of
from transforms.findings.restarts import Restarts
from transforms.input.dates import date_of
from transforms.input.json_bytes import dump
from transforms.state.addresses import STATS, window_key
from transforms.state.view import BYTES_PER_FACT, Outputs
from transforms.state.waits import Waits, deadline_after
from transforms.stats.stats_facts import FindingsCounted

_ID_BYTES = 8
#: Rough size in memory of the hash of an id, and of a single finding.
_BYTES_PER_ID = 100
_BYTES_PER_SINGLE = 600


class FindingTold(Struct, array_like=True, gc=False):
    """A finding: its record, and the event time (ms) at which it was told."""

    at: int
    record: bytes


class _Snapshot(Struct, array_like=True, gc=False):
    """All but what bounded input holds back: of that no snapshot is taken. `open_hashes` are joined."""

    newest: int | None
    sequence: int
    singles: dict[str, Single]
    open_hashes: bytes
    found: int
    first: tuple[int, str] | None
    last: tuple[int, str] | None
    examples: dict[str, dict[str, Any]]
    restarts: list[dict[str, Any]]


_save = msgpack.Encoder().encode
_load = msgpack.Decoder(_Snapshot).decode


class FindingsView:
    """See the head of this file. `key` is a finding key; its minute is negative if no produce time or date is known.

    Then it is the minute in which the findings were told, which is no window of the statistics.
    """

    decode = staticmethod(msgpack.Decoder(list[FindingTold]).decode)

    def __init__(self, key: bytes, waits: Waits, burst: int, cluster: str = "", *, bounded: bool = False) -> None:
        self._reason, self._topic, self._group, minute = orjson.loads(key)
        self._minute = abs(minute)
        self._is_counted = self._topic is not None and minute > 0
        self._retention = waits.retention
        #: What is found when a message is forgotten waits for the next look at what is past retention.
        self._spare = waits.trim_interval + MINUTE_MS
        self._burst = burst
        self._cluster = cluster
        self._bounded = bounded
        self._begin()

    def _begin(self) -> None:
        """Know nothing."""
        #: The latest time (ms) at which a finding was told; None when nothing is held.
        self._newest: int | None = None
        #: Of bounded input the last word by id.
        self._last: dict[str, dict[str, Any]] = {}
        #: By id.
        self._singles: dict[str, Single] = {}
        #: The greatest of these ids, once there are `burst`.
        self._greatest: str | None = None
        #: The singles to be written, and those of them that never were.
        self._dirty: dict[str, None] = {}
        self._fresh: set[str] = set()
        self._summary = Summary()
        self._restarts = Restarts()
        self._count = 0
        #: How often the count was told: it numbers what is told.
        self._sequence = 0
        self._out = Outputs()

    def on_facts(self, facts: list[FindingTold]) -> Outputs:
        """Take in findings; the summary and the count are told once for all of them."""
        self._out = outputs = Outputs()
        for told in facts:
            self._newest = told.at if self._newest is None else max(self._newest, told.at)
            value = orjson.loads(told.record)
            if self._bounded:
                self._last[value["id"]] = value
            else:
                self._take(value)
        if not self._bounded:
            self._emit()
        outputs.counts["findings"] += len(outputs.records)
        return outputs

    def on_time(self, now: int) -> Outputs:
        """Forget all if no more findings of the minute can come; of bounded input this is when it is written."""
        self._out = outputs = Outputs()
        due = self.deadline()
        if due is not None and due <= now:
            for _, value in sorted(self._last.items()):
                if "resolved" not in value:
                    self._take(value)
            self._emit()
            self._begin()
        outputs.counts["findings"] += len(outputs.records)
        return outputs

    def deadline(self) -> int | None:
        """When all is forgotten."""
        if self._newest is None:
            return None
        newest = self._newest + self._retention if self._reason == LOG_RESTARTED else self._newest
        return deadline_after(max(self._minute + MINUTE_MS + self._retention, newest), self._spare)

    def size(self) -> int:
        """The hashes of ids by their bytes, and one fact for all the rest."""
        size = len(self._singles) * _BYTES_PER_SINGLE + len(self._summary.open) * _BYTES_PER_ID
        return 0 if self._newest is None else 1 + self._restarts.size() + size // BYTES_PER_FACT

    def _take(self, value: dict[str, Any]) -> None:
        if self._reason == LOG_RESTARTED:
            self._restarts.found(value)
            return
        identity = value["id"]
        hashed = _hash(identity)
        is_open = "resolved" not in value
        if hashed in self._summary.open:
            if is_open:
                self._summary.add(hashed, value)
            else:
                self._summary.close(hashed, identity)
            return
        known = self._singles.get(identity)
        if known is not None:
            begins = is_open and not known.is_open
            self._singles[identity] = Single(dump(value), is_open, known.found + begins)
            self._dirty[identity] = None
        elif not is_open:
            self._out.records.append((key_of(identity), dump(value)))
        elif self._has_room(identity):
            self._singles[identity] = Single(dump(value), is_open=True, found=1)
            self._greatest = None
            self._dirty[identity] = None
            self._fresh.add(identity)
        else:
            self._summary.add(hashed, value)

    def _has_room(self, identity: str) -> bool:
        """Whether this id is a single; a greater one gives way to it."""
        if len(self._singles) < self._burst:
            return True
        if self._greatest is None:
            self._greatest = max(self._singles, default="")
        if identity > self._greatest:
            return False
        self._give_way(self._greatest)
        return True

    def _give_way(self, identity: str) -> None:
        single = self._singles.pop(identity)
        self._summary.take_over(_hash(identity), single)
        self._dirty.pop(identity, None)
        if identity in self._fresh:
            self._fresh.remove(identity)
            return
        value = orjson.loads(single.record)
        if single.is_open:
            value |= {"resolved": True, "summarised": True}
        self._out.records.append((key_of(identity), dump(value)))

    def _emit(self) -> None:
        """Write what changed."""
        records = self._out.records
        records += [(key_of(identity), self._singles[identity].record) for identity in self._dirty]
        self._dirty, self._fresh = {}, set()
        records += [(key_of(value["id"]), dump(value)) for value in self._restarts.changed()]
        self._emit_summary()
        self._emit_count()

    def _emit_summary(self) -> None:
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
            "examples": [example for _, example in sorted(summary.examples.items())],
            "cluster": self._cluster or None,
            "resolved": None if summary.open else True,
        }
        known = {name: fact for name, fact in value.items() if fact is not None}
        self._out.records.append((key_of(identity), dump(known)))

    def _emit_count(self) -> None:
        count = self._open_count()
        if count == self._count:
            return
        self._count = count
        if self._is_counted:
            self._sequence += 1
            counted = FindingsCounted(self._reason, self._group, count, 0, self._sequence)
            self._out.facts.append((STATS, window_key(self._topic, self._minute), self._newest or 0, counted))

    def _open_count(self) -> int:
        return sum(single.is_open for single in self._singles.values()) + len(self._summary.open)

    def snapshot(self) -> bytes:
        """All of it, with what it has written."""
        summary = self._summary
        return _save(
            _Snapshot(
                self._newest, self._sequence, self._singles, b"".join(summary.open), summary.found, summary.first,
                summary.last, summary.examples, self._restarts.values(),
            )
        )  # fmt: skip

    def restore(self, snapshot: bytes) -> None:
        """Be what a snapshot says."""
        saved, summary = _load(snapshot), self._summary
        self._newest, self._sequence, self._singles = saved.newest, saved.sequence, saved.singles
        summary.open, summary.found = set(_split(saved.open_hashes)), saved.found
        summary.first, summary.last, summary.examples = saved.first, saved.last, saved.examples
        self._restarts.restore(saved.restarts)
        self._count = self._open_count()


def _hash(identity: str) -> bytes:
    return blake2b(identity.encode(), digest_size=_ID_BYTES).digest()


def _split(hashes: bytes) -> Iterator[bytes]:
    for start in range(0, len(hashes), _ID_BYTES):
        yield hashes[start : start + _ID_BYTES]
