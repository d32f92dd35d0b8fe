"""SkewStats: how far the clocks of two clients can be apart, from what was seen in one hour.

In: upper bounds of `clock(of) - clock(over)`, each of one source, which replaces its former one. A message
cannot arrive before it was sent, so every observed delay is such a bound; one-way traffic bounds one side only.
Out: the fields of the record `clockSkew`.
"""

from collections.abc import Iterator
from typing import Any

from transforms.dates import date_of
from transforms.packs import Event
from transforms.stats_window import Subject

#: Kind of event: `("B", source, of, over, ms)`; ms null withdraws the source's bound.
BOUND = "B"
#: How many items it has.
LENGTHS = {BOUND: 5}

_SKEW: Subject = ("clockSkew",)


class SkewStats:
    """See the head of this file. `one` and `other` are the clients, in order of their names."""

    def __init__(self, one: str, other: str, start: int) -> None:
        self.changed: set[Subject] = set()
        self._clients = [one, other]
        self._start = date_of(start)
        #: Bounds by client (`of`) and source.
        self._bounds: dict[str, dict[str, int]] = {one: {}, other: {}}

    def take(self, event: list[Any]) -> None:
        """Take in a bound."""
        _, source, of, _over, ms = event[:5]
        bounds = self._bounds[of]
        before = self._tightest()
        if ms is None:
            bounds.pop(source, None)
        else:
            bounds[source] = ms
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

    def snapshot(self) -> Iterator[Event]:
        """Events that build this again."""
        one, other = self._clients
        for of, over in ((one, other), (other, one)):
            for source, ms in self._bounds[of].items():
                yield BOUND, source, of, over, ms

    def size(self) -> int:
        """Rough size in memory, in bytes."""
        return 200 * sum(len(bounds) for bounds in self._bounds.values())

    def _tightest(self) -> tuple[int | None, int | None]:
        one, other = self._clients
        below = min(self._bounds[one].values(), default=None)
        return None if below is None else -below, min(self._bounds[other].values(), default=None)
