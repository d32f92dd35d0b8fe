"""Clock bounds: how far two clocks can be apart at most, by all that is known of the clocks of an hour.

`_traceStats` bounds two clients by what they exchanged themselves. Where a is at most 5 ms ahead of b and b at most
3 ms ahead of c, a is at most 8 ms ahead of c: the tightest bound is the shortest path from clock to clock.
"""

from collections.abc import Iterable
from typing import Any

#: `(of, over)` -> ms: the clock of `of` is at most so far ahead of that of `over`.
Bounds = dict[tuple[str, str], int]


def tightened(records: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """Records `clockSkew` of one hour, each with the tightest bounds that they all allow together.

    A pair whose clocks can be reached from a contradiction (one of them was set within the hour) stays as it is.
    """
    known = list(records)
    bounds = _bounds(known)
    ahead = {client: _furthest_ahead(bounds, client) for record in known for client in record["clients"]}
    return [_within(record, ahead) for record in known]


def _bounds(records: list[dict[str, Any]]) -> Bounds:
    bounds: Bounds = {}
    for record in records:
        one, other = record["clients"]
        if record["upperMs"] is not None:
            bounds[other, one] = record["upperMs"]
        if record["lowerMs"] is not None:
            bounds[one, other] = -record["lowerMs"]
    return bounds


def _furthest_ahead(bounds: Bounds, start: str) -> dict[str, int] | None:
    """How far (ms) each clock can be ahead of that of `start`; None if the bounds contradict each other.

    Bellman and Ford's shortest paths: bounds may be negative.
    """
    ahead = {start: 0}
    for _ in range(len(bounds) + 1):
        is_changed = False
        for (of, over), ms in bounds.items():
            if over in ahead and (of not in ahead or ahead[over] + ms < ahead[of]):
                ahead[of], is_changed = ahead[over] + ms, True
        if not is_changed:
            return ahead
    return None


def _within(record: dict[str, Any], ahead: dict[str, dict[str, int] | None]) -> dict[str, Any]:
    one, other = record["clients"]
    of_one, of_other = ahead[one], ahead[other]
    if of_one is None or of_other is None:
        return record
    upper = of_one.get(other)
    lower = -of_other[one] if one in of_other else None
    middle = {} if upper is None or lower is None else {"correctionMs": (lower + upper) / 2}
    return record | {"lowerMs": lower, "upperMs": upper} | middle
