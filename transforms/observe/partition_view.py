"""ObservedPartitionView: what is known of an observed partition, and of the groups that commit in it.

In: where its records lie, commits, how many members each group has. Out: records for the statistics topic, one for a
minute of the partition and one for a minute of each group; findings `rewound` and `stalled`.

A group's lag is measured when something changed, at most once a second, and each `stats.interval.ms` while messages
wait, until nothing was heard of a group without members for `retention`. Bounded input is measured once, at its end.
"""

from typing import Any

import numpy as np
import orjson
from msgspec import Struct, msgpack

from transforms.findings.findings import REWOUND, STALLED, Finding, Found, finding, resolve
from transforms.input.dates import date_of
from transforms.observe.observe_facts import Committed, MembersCounted, PartitionFact, Positions
from transforms.observe.observed_group import MINUTE_MS, LagSample, ObservedGroup, Rewind
from transforms.observe.observed_records import ObservedRecords, PartitionMinute
from transforms.observe.position_log import PositionLog, SavedLog
from transforms.state.view import BYTES_PER_FACT, Outputs
from transforms.state.waits import Waits, deadline_after, earliest

_SECOND = 1000
#: The minute of findings that are counted in none of the statistics of traces: see docs/observe.md.
_UNCOUNTED = 0
#: With so many young records, old ones are looked for with each fact; else only in time.
_MANY = 4096
#: Rough size in memory of a group and of a minute of one, in facts.
_GROUP_FACTS, _MINUTE_FACTS = 2, 8


class _Snapshot(Struct, array_like=True, gc=False):
    log: SavedLog
    groups: dict[str, ObservedGroup]
    stalled: dict[str, Found]
    minutes: dict[int, PartitionMinute]
    changed: list[int]
    clock: int
    read_ms: int
    newest: int
    write_at: int | None
    trim_at: int
    end: int | None


_save = msgpack.Encoder().encode
_load = msgpack.Decoder(_Snapshot).decode


class ObservedPartitionView:
    """See the head of this file. `key` is a partition key; times are ms of event time."""

    decode = staticmethod(msgpack.Decoder(list[PartitionFact]).decode)

    def __init__(self, key: bytes, waits: Waits, cluster: str = "", *, bounded: bool = False) -> None:
        self._topic, self._partition = orjson.loads(key)
        self._waits = waits
        self._cluster = cluster or None
        self._bounded = bounded
        self._records = ObservedRecords(self._topic, self._partition, cluster)
        self._end: int | None = None
        self._begin()

    def _begin(self) -> None:
        """Know nothing."""
        self._log = PositionLog()
        self._groups: dict[str, ObservedGroup] = {}
        self._stalled: dict[str, Found] = {}
        self._minutes: dict[int, PartitionMinute] = {}
        self._changed: set[int] = set()
        #: The latest time that a fact or a timer told, and the latest at which the partition was read.
        self._clock = 0
        self._read_ms = 0
        #: The newest time of a record.
        self._newest = 0
        #: When changes or lag are to be written, and when to look for what is too old.
        self._write_at: int | None = None
        self._trim_at = 0

    # Facts ----------------------------------------------------------------------------------------------------------

    def on_facts(self, facts: list[PartitionFact]) -> Outputs:
        """Take in facts."""
        outputs = Outputs()
        for fact in facts:
            if isinstance(fact, Positions):
                self._read(fact)
            elif isinstance(fact, Committed):
                self._commit(fact, outputs)
            elif isinstance(fact, MembersCounted):
                self._group(fact.group_id).count_members(fact.members, fact.generation, fact.sequence)
            else:
                self._end, self._bounded = fact.at, True
        for group in self._groups.values():
            group.settle(self._log)
        if len(self._log) > _MANY:
            self._log.thin(self._read_ms)
        if not self._trim_at:
            self._trim_at = self._waits.first_trim(self._clock, self._clock)
        soon = (self._clock // _SECOND + 1) * _SECOND
        self._write_at = earliest(soon, self._write_at)
        return outputs

    def _read(self, fact: Positions) -> None:
        if fact.next_offset < self._log.end and fact.read_ms >= self._read_ms:
            self._restart()
        self._read_ms = max(self._read_ms, fact.read_ms)
        self._clock = max(self._clock, fact.read_ms)
        is_new = fact.next_offset > self._log.end or self._log.floor is None
        self._log.add(np.frombuffer(fact.offsets, np.int64), np.frombuffer(fact.times, np.int64), fact.next_offset)
        if is_new:
            for start, *counts in fact.minutes:
                self._count(start, *counts)

    def _restart(self) -> None:
        """The topic was made anew: its offsets begin again, so what was committed before says nothing of them."""
        self._log = PositionLog()
        for group in self._groups.values():
            group.committed, group.waiting = None, []

    def _count(self, start: int, messages: int, size: int, correlated: int, append_times: int) -> None:
        self._newest = max(self._newest, start)
        first_open = self._newest - MINUTE_MS
        minute = self._minutes.setdefault(max(start, first_open), PartitionMinute())
        minute.messages += messages
        minute.size += size
        minute.correlated += correlated
        minute.append_times += append_times
        minute.late += messages if start < first_open else 0
        self._changed.add(max(start, first_open))

    def _commit(self, fact: Committed, outputs: Outputs) -> None:
        self._clock = max(self._clock, fact.at)
        group = self._group(fact.group_id)
        rewind = group.commit(fact.offset, fact.at, fact.sequence)
        group.heard_at = self._clock
        if rewind is not None:
            outputs.findings.append(self._rewound(fact.group_id, rewind))

    def _group(self, group_id: str) -> ObservedGroup:
        group = self._groups.get(group_id)
        if group is None:
            group = self._groups[group_id] = ObservedGroup()
        return group

    # Time -----------------------------------------------------------------------------------------------------------

    def on_time(self, now: int) -> Outputs:
        """Measure and write what is due, and forget what is too old."""
        outputs = Outputs()
        if self._bounded:
            self._write_all(outputs)
            self._begin()
            return outputs
        # Facts may be newer than the time that passed: then the lag is that of the facts.
        clock = self._clock = max(self._clock, now)
        if self._write_at is not None and self._write_at <= now:
            is_lagging = self._measure(clock, outputs)
            self._write(outputs, clock)
            self._log.thin(clock)
            self._write_at = deadline_after(clock, self._waits.stats_interval) if is_lagging else None
        if self._trim_at and self._trim_at <= now:
            self._write(outputs, clock)
            self._forget(clock)
        return outputs

    def _write_all(self, outputs: Outputs) -> None:
        """Bounded input is over: measure at its end, and write all there is."""
        now = self._clock if self._end is None else self._end
        for group in self._groups.values():
            group.settle(self._log, at_end=True)
        self._measure(now, outputs)
        self._write(outputs, now)

    def _measure(self, now: int, outputs: Outputs) -> bool:
        """Measure the lag of each group; whether any has messages waiting."""
        is_lagging = False
        for group_id, group in self._groups.items():
            sample = group.sample(self._log, now)
            if sample is not None:
                group.note(sample)
                is_lagging |= sample.lag > 0
            self._judge(group_id, group, sample, now, outputs)
        return is_lagging

    def _write(self, outputs: Outputs, now: int) -> None:
        """Write the minutes that changed, those that are closed for the last time."""
        records, retention = self._records, self._waits.retention
        closed = {start for start in self._minutes if start < max(self._newest - MINUTE_MS, now - retention)}
        for start in sorted(self._changed | closed):
            record = records.of_partition(start, self._minutes[start], self._log.end, is_final=start in closed)
            outputs.records.append(record)
        for start in closed:
            del self._minutes[start]
        self._changed = set()
        for group_id, group in sorted(self._groups.items()):
            over = set(group.closed(now, retention))
            for start in sorted({*group.changed, *over}):
                outputs.records.append(records.of_group(group_id, start, group, is_final=start in over))
            for start in over | set(group.idle(now)):
                del group.minutes[start]
            group.changed = []

    def _forget(self, now: int) -> None:
        before = now - self._waits.retention
        self._log.forget(before)
        for group_id, group in list(self._groups.items()):
            if not group.members and not group.minutes and group.committed_at < before and not group.waiting:
                del self._groups[group_id]
                self._stalled.pop(group_id, None)
        if not len(self._log) and not self._groups and not self._minutes:
            self._begin()
            return
        self._trim_at = deadline_after(now, self._waits.trim_interval)

    # Findings -------------------------------------------------------------------------------------------------------

    def _rewound(self, group_id: str, rewind: Rewind) -> Finding:
        subject = f"observed:{group_id}:{self._topic}:{self._partition}:{rewind.sequence}"
        # The last offset that a commit covers, as in the traces of commits.
        covered: dict[str, Any] = {"offset": rewind.offset - 1, "fromOffset": rewind.from_offset - 1}
        date = date_of(rewind.at)
        return finding(REWOUND, subject, minute=_UNCOUNTED, **self._place(group_id), **covered, date=date)

    def _judge(self, group_id: str, group: ObservedGroup, sample: LagSample | None, now: int, outputs: Outputs) -> None:
        """Tell that a group is stalled, or is so no more."""
        told = self._stalled.get(group_id)
        stalled = self._stall(group_id, group, sample, now)
        if stalled is None:
            if told is not None:
                outputs.findings.append(resolve(self._stalled.pop(group_id), **self._place(group_id)))
        elif told is None or told.known != stalled.known:  # while it lasts, its deadline stays the first
            self._stalled[group_id] = stalled
            reason, subject, deadline, minute, known = stalled
            outputs.findings.append(finding(reason, subject, deadline, minute=minute, **self._place(group_id), **known))

    def _stall(self, group_id: str, group: ObservedGroup, sample: LagSample | None, now: int) -> Found | None:
        if sample is None or not sample.lag or not group.members:
            return None
        # In a backlog later commits may follow. Bounded input is known to its end.
        heard_at = 0 if self._bounded else group.heard_at
        deadline = max(group.committed_at, heard_at, now - sample.lag_ms) + self._waits.stalled
        if deadline > now:
            return None
        known = {"offset": group.committed, "date": date_of(group.committed_at)}
        return Found(STALLED, f"{group_id}:{self._topic}:{self._partition}", deadline, _UNCOUNTED, known)

    def _place(self, group_id: str) -> dict[str, Any]:
        """The fields that all findings about a group share."""
        place = {"topic": self._topic, "partition": self._partition, "groupId": group_id}
        return {**place, "observed": True, "cluster": self._cluster}

    # Being kept -----------------------------------------------------------------------------------------------------

    def deadline(self) -> int | None:
        """When something is to be written, or to be forgotten."""
        if self._bounded:
            return self._write_at
        return earliest(self._write_at, self._trim_at or None)

    def size(self) -> int:
        """Its size, in facts of BYTES_PER_FACT; 0 when it is new or all was forgotten."""
        minutes = len(self._minutes) + sum(len(group.minutes) for group in self._groups.values())
        facts = _GROUP_FACTS * len(self._groups) + _MINUTE_FACTS * minutes + self._log.nbytes() // BYTES_PER_FACT
        return facts + (self._log.floor is not None)

    def snapshot(self) -> bytes:
        """All of it."""
        return _save(
            _Snapshot(
                self._log.save(), self._groups, self._stalled, self._minutes, list(self._changed), self._clock,
                self._read_ms, self._newest, self._write_at, self._trim_at, self._end,
            )
        )  # fmt: skip

    def restore(self, snapshot: bytes) -> None:
        """Be what a snapshot says."""
        saved = _load(snapshot)
        self._log.load(saved.log)
        self._groups, self._stalled, self._minutes = saved.groups, saved.stalled, saved.minutes
        self._changed, self._clock, self._read_ms = set(saved.changed), saved.clock, saved.read_ms
        self._newest, self._write_at, self._trim_at = saved.newest, saved.write_at, saved.trim_at
        self._end, self._bounded = saved.end, self._bounded or saved.end is not None
