"""StatsView: the statistics of one window, written when they change, and once more when they are final.

In: tallies, counts of findings and bounds of clocks, each replacing what its source said before. Out: records for the
statistics topic, upserts by key. A window is final when its end, and the newest fact that was counted in it, are past
retention and no view looks for what is past it any more (`trim_interval`, and a minute): then nothing that could change
it is remembered, and it is forgotten.

What changes within a second of the facts' own time is written together: every block of the topic tells of itself, and a
record is some kilobytes. Facts without a time are written at once.

Bounded input is written once, at its end, and is `final` only if that end is late enough.
"""

from collections.abc import Callable, Iterable
from functools import partial
from typing import Any, Protocol

import orjson
from msgspec import Struct, msgpack

from transforms.input.json_bytes import dump
from transforms.state.facts import Ended
from transforms.state.view import BYTES_PER_FACT, Outputs
from transforms.state.waits import Waits, deadline_after
from transforms.stats.stats_facts import ClockBound, Source, StatsFact, WindowFact
from transforms.stats.stats_skew import SkewStats
from transforms.stats.stats_window import Subject, WindowStats

_SECOND = 1000
_MINUTE = 60 * _SECOND
_HOUR = 60 * _MINUTE


class Stats(Protocol):
    """The content of a view: WindowStats or SkewStats."""

    changed: set[Subject]

    def take(self, fact: Any) -> None:
        """Take in a fact."""

    def subjects(self) -> list[Subject]:
        """All that there is a record of."""

    def key(self, subject: Subject) -> dict[str, Any]:
        """The fields by which the record of a subject is found."""

    def facts_of(self, subject: Subject) -> dict[str, Any]:
        """The fields of the record of a subject."""

    def snapshot(self) -> bytes:
        """All of it but what has changed."""

    def restore(self, snapshot: bytes) -> None:
        """Be what a snapshot says."""

    def size(self) -> int:
        """Rough size in memory, in bytes."""


class _Snapshot(Struct, array_like=True, gc=False):
    end: int | None
    is_open: bool
    newest: int
    write_at: int
    stats: bytes
    changed: list[Subject]
    written: list[Subject]
    sequences: list[tuple[Source, int]]


_save = msgpack.Encoder().encode
_load = msgpack.Decoder(_Snapshot).decode


class StatsView:
    """See the head of this file. `key` is a window key or a skew key; times are ms of event time."""

    decode = staticmethod(msgpack.Decoder(list[StatsFact]).decode)

    def __init__(self, key: bytes, waits: Waits, cluster: str = "", *, bounded: bool = False) -> None:
        kind, *names = orjson.loads(key)
        start: int = names[-1]
        is_window = kind == "window"
        self._make_stats: Callable[[], Stats] = partial(WindowStats, *names)
        if not is_window:
            self._make_stats = partial(SkewStats, *names)
        self._close = start + (_MINUTE if is_window else _HOUR)
        self._settles_after = waits.retention + waits.trim_interval + _MINUTE
        self._cluster = {"cluster": cluster} if cluster else {}
        self._bounded = bounded
        self._end: int | None = None
        self._begin()

    def _begin(self) -> None:
        """Know nothing."""
        self._stats = self._make_stats()
        self._written: set[Subject] = set()
        self._sequences: dict[Source, int] = {}
        #: Timestamp of the newest fact that is counted, and from which time on changes are written.
        self._newest = 0
        self._write_at = 0
        self._is_open = False

    def on_facts(self, facts: list[StatsFact]) -> Outputs:
        """Take in facts, and write what they changed."""
        outputs = Outputs()
        for fact in facts:
            if isinstance(fact, Ended):
                self._end, self._bounded = fact.at, True
            else:
                self._take(fact)
        if not self._bounded and self._write_at <= self._newest:
            self._write_changes(self._newest, outputs)
        return outputs

    def _take(self, fact: WindowFact | ClockBound) -> None:
        source = fact.source
        if fact.sequence <= self._sequences.get(source, -1):
            return
        self._sequences[source] = fact.sequence
        self._newest = max(self._newest, fact.newest)
        self._stats.take(fact)
        self._is_open = True

    def on_time(self, now: int) -> Outputs:
        """Write what waits to be written; write all a last time, and forget it, if it is final."""
        outputs = Outputs()
        if self._is_open and self._final_at() <= now:
            is_final = not self._bounded or (self._end is not None and self._final_at() <= self._end)
            self._write(self._written | set(self._stats.subjects()), outputs, {"final": True} if is_final else {})
            self._begin()
        elif not self._bounded and self._write_at <= now:
            self._write_changes(now, outputs)
        return outputs

    def deadline(self) -> int | None:
        """When changes that wait are to be written, or else when the window is final."""
        if not self._is_open:
            return None
        return self._write_at if self._stats.changed and not self._bounded else self._final_at()

    def size(self) -> int:
        """Its size, in facts of BYTES_PER_FACT; 0 when it is final or new."""
        return 1 + self._stats.size() // BYTES_PER_FACT if self._is_open else 0

    def snapshot(self) -> bytes:
        """All of it, with what it has written already."""
        return _save(
            _Snapshot(
                self._end, self._is_open, self._newest, self._write_at, self._stats.snapshot(),
                list(self._stats.changed), list(self._written), list(self._sequences.items()),
            )
        )  # fmt: skip

    def restore(self, snapshot: bytes) -> None:
        """Be what a snapshot says."""
        saved = _load(snapshot)
        self._end, self._bounded = saved.end, self._bounded or saved.end is not None
        self._is_open, self._newest, self._write_at = saved.is_open, saved.newest, saved.write_at
        self._stats.restore(saved.stats)
        self._stats.changed, self._written = set(saved.changed), set(saved.written)
        self._sequences = dict(saved.sequences)

    def _final_at(self) -> int:
        newest = -(-self._newest // _MINUTE) * _MINUTE  # few distinct deadlines
        return deadline_after(max(self._close, newest), self._settles_after)

    def _write_changes(self, now: int, outputs: Outputs) -> None:
        if self._stats.changed:
            self._write(self._stats.changed, outputs)
            self._stats.changed = set()
            if self._newest:
                self._write_at = (now // _SECOND + 1) * _SECOND  # a second that all windows share

    def _write(self, subjects: Iterable[Subject], outputs: Outputs, mark: dict[str, Any] | None = None) -> None:
        """Write the records of these subjects; one that is no more, but was written, is withdrawn."""
        there = set(self._stats.subjects()) if subjects else set()
        for subject in sorted(subjects):
            key = self._stats.key(subject)
            value = {"kind": subject[0], **key, **self._cluster}
            if subject in there:
                value |= self._stats.facts_of(subject) | (mark or {})
                self._written.add(subject)
            elif subject in self._written:
                value["withdrawn"] = True
                self._written.discard(subject)
            else:
                continue
            outputs.records.append((dump(key), dump(value)))
