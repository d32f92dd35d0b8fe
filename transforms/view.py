"""What a keyed view is: the pure part of a stateful step, without Beam.

A view is the live state of one key. It is built by `apply` from events alone, the passing of event time among them, so
that applying the same batches again gives the same view. What follows from a batch comes back as `Outputs`.
"""

from collections import Counter
from collections.abc import Iterable
from typing import Any, Protocol

from transforms.findings import Finding
from transforms.packs import Addressed, Event

#: The kind of the event by which event time reaches a view: `("X", now)`.
EXPIRED = "X"

#: Rough size in memory of one fact of a view.
BYTES_PER_FACT = 600


class Outputs:
    """What one call of a view gives: records for the aggregated topic, findings, events for other views, counts."""

    __slots__ = ("counts", "events", "findings", "records")

    def __init__(self) -> None:
        self.records: list[tuple[bytes, bytes]] = []
        self.findings: list[Finding] = []
        self.events: list[Addressed] = []
        self.counts: Counter[str] = Counter()


class View(Protocol):
    """The state of one key. Times are in milliseconds of event time."""

    def apply(self, events: Iterable[list[Any]]) -> Outputs:
        """Take in a batch of events and say what follows.

        `("X", now)` says that event time has reached `now`: what was due by then is no longer waited for, what is past
        retention is forgotten.
        """

    def snapshot(self) -> Iterable[Event]:
        """Events that build this view again, with what it has written already; none when there is nothing to keep."""

    def deadline(self) -> int | None:
        """The event time that it wants to be told next; None when there is nothing to wait for."""

    def facts(self) -> int:
        """How many facts it holds: the measure of its size in memory and of `limit.open.per.key`.

        What is kept in fewer bytes counts by its bytes, as facts of `BYTES_PER_FACT`. 0 only if there is nothing.
        """
