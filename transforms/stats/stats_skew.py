"""SkewStats: how far the clocks of two clients can be apart, from what was seen in one hour.

In: upper bounds of `clock(of) - clock(over)`, each of one block, which replaces its former one. A message
cannot arrive before it was sent, so every observed delay is such a bound; one-way traffic bounds one side only.
Out: the fields of the record `clockSkew`.
"""

from typing import Any

from msgspec import msgpack

from transforms.input.dates import date_of
from transforms.stats.stats_facts import ClockBound
from transforms.stats.stats_window import Subject

_SKEW: Subject = ("clockSkew",)

_save = msgpack.Encoder().encode
_load = msgpack.Decoder(dict[str, dict[str, int]]).decode


class SkewStats:
    """See the head of this file. `one` and `other` are the clients, in order of their names."""

    def __init__(self, one: str, other: str, start: int) -> None:
        self.changed: set[Subject] = set()
        self._clients = [one, other]
        self._start = date_of(start)
        #: Bounds by client (`of`) and block.
        self._bounds: dict[str, dict[str, int]] = {one: {}, other: {}}

    def take(self, bound: ClockBound) -> None:
        """Take in a bound."""
        bounds = self._bounds[bound.of]
        before = self._tightest()
        if bound.ms is None:
            bounds.pop(bound.block, None)
        else:
            bounds[bound.block] = bound.ms
        if self._tightest() != before:
            self.changed.add(_SKEW)

    def subjects(self) -> list[Subject]:
        """The pair, if anything is known of it."""
        return [_SKEW] if any(self._bounds.values()) else []

    def key(self, _subject: Subject) -> dict[str, Any]:
        """The fields by which the record is found."""
        return {"clients": self._clients, "windowStart": self._start}

    def facts_of(self, _subject: Subject) -> dict[str, Any]:
        """Bounds of `clock(other) - clock(one)`, null where there is none, and their middle if there are both."""
        lower, upper = self._tightest()
        facts: dict[str, Any] = {"lowerMs": lower, "upperMs": upper}
        if lower is None or upper is None:
            return facts
        return facts | ({"inconsistent": True} if lower > upper else {"correctionMs": (lower + upper) / 2})

    def snapshot(self) -> bytes:
        """All of it but what has changed."""
        return _save(self._bounds)

    def restore(self, snapshot: bytes) -> None:
        """Be what a snapshot says."""
        self._bounds = _load(snapshot)

    def size(self) -> int:
        """Rough size in memory, in bytes."""
        return 200 * sum(len(bounds) for bounds in self._bounds.values())

    def _tightest(self) -> tuple[int | None, int | None]:
        one, other = self._clients
        below = min(self._bounds[one].values(), default=None)
        return None if below is None else -below, min(self._bounds[other].values(), default=None)
