"""What came out against what must: plain sets, nothing of the join itself."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from bench.faults.messages import Expected
from bench.outputs import Seen
from transforms.input.dates import nanos_of

Value = dict[str, Any]


@dataclass
class Row:
    """One fault.

    `lost` are traces that are missing or not joined as they must be, `duplicates` records that came again under an id
    and revision that were there. `missing` and `false` are findings. `recovery_s` is from the fault to the first record
    of a message that was sent after it, None where nothing stops.
    """

    name: str
    what: str
    traces_in: int
    traces_out: int
    lost: int
    duplicates: int
    letters_in: int
    letters_out: int
    findings: int
    missing: int
    false: int
    recovery_s: float | None

    @property
    def is_well(self) -> bool:
        """Nothing lost, and the findings are right."""
        return not (self.lost or self.missing or self.false) and self.letters_in == self.letters_out


class Outcome:
    """What is said in the end: of each id the highest revision, and what is withdrawn or resolved no more."""

    def __init__(self, seen: Sequence[Seen], *, traces: str, findings: str, letters: str) -> None:
        self._traces = newest(one.value for one in seen if one.topic == traces)
        told = newest(one.value for one in seen if one.topic == findings)
        self._findings = {name: value for name, value in told.items() if not value.get("resolved")}
        self.letters = len({one.value["id"] for one in seen if one.topic == letters})

    def lost(self, expected: Expected) -> set[str]:
        """Ids of traces that are not there with all the fields that they must have."""
        return {
            identity
            for identity, fields in expected.traces.items()
            if not fields.items() <= self._traces.get(identity, {}).items()
        }

    def present(self, expected: Expected) -> int:
        """How many traces are there."""
        return sum(identity in self._traces for identity in expected.traces)

    def open_of(self, topic: str) -> set[str]:
        """Ids of the open findings about messages of this topic."""
        return {name for name, value in self._findings.items() if value.get("topic") == topic}


def newest(values: Iterable[Value]) -> dict[str, Value]:
    """Of each id the record with the highest revision; of equal ones, and of those without, the last."""
    found: dict[str, Value] = {}
    for value in values:
        known = found.get(value["id"])
        if known is None or known.get("revision", 1) <= value.get("revision", 1):
            found[value["id"]] = value
    return {name: value for name, value in found.items() if not value.get("withdrawn")}


def duplicates(seen: Sequence[Seen], traces: str) -> int:
    """How many records of the topic `traces` came again under an id and revision that were there."""
    known: set[tuple[str, int]] = set()
    again = 0
    for one in seen:
        if one.topic == traces:
            name = one.value["id"], one.value.get("revision", 1)
            again += name in known
            known.add(name)
    return again


def recovery(seen: Iterable[Seen], traces: str, fault: int) -> float | None:
    """Seconds from the fault (ns) to the first record of a SEND dated after it; None as long as there is none."""
    arrivals = (
        one.arrived
        for one in seen
        if one.topic == traces and one.value["type"] == "SEND" and nanos_of(one.value["date"]) >= fault
    )
    first = min(arrivals, default=None)
    return None if first is None else (first - fault) / 1e9
