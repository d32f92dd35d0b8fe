"""What a keyed view is: the pure part of a stateful step, without Beam.

A view is the live state of one key. It is built from facts and from the passing of event time alone, so that the same
calls give the same view again. What follows from a call comes back as `Outputs`.
"""

from collections import Counter
from collections.abc import Callable
from typing import Any, Protocol

from transforms.findings.findings import Finding
from transforms.state.batches import Records

#: Rough size in memory of one fact of a view.
BYTES_PER_FACT = 600

#: A fact for the view of a key: destination, key, Kafka timestamp (ms), fact.
Addressed = tuple[str, bytes, int, Any]


class Outputs:
    """What one call of a view gives: records for its topic, findings, facts for other views, counts.

    `is_quiet`: nothing is likely to happen to the view for a long time, so only its snapshot need be kept.
    """

    __slots__ = ("counts", "facts", "findings", "is_quiet", "records")

    def __init__(self) -> None:
        self.records = Records()
        self.findings: list[Finding] = []
        self.facts: list[Addressed] = []
        self.counts: Counter[str] = Counter()
        self.is_quiet = False


class View(Protocol):
    """The state of one key. Times are in milliseconds of event time."""

    @property
    def decode(self) -> Callable[[bytes], list[Any]]:
        """What makes of a pack the facts that `on_facts` takes."""

    def on_facts(self, facts: list[Any]) -> Outputs:
        """Take in the facts of a pack and say what follows."""

    def on_time(self, now: int) -> Outputs:
        """Event time has reached `now`: what was due by then is no longer waited for, what is too old is forgotten."""

    def deadline(self) -> int | None:
        """The event time that it wants to be told next; None when there is nothing to wait for."""

    def snapshot(self) -> bytes:
        """All of it, for `restore`."""

    def restore(self, snapshot: bytes) -> None:
        """Be what a snapshot says; called once, before anything else."""

    def size(self) -> int:
        """How many facts it holds: the measure of its size in memory and of `limit.open.per.key`.

        What is kept in fewer bytes counts by its bytes, as facts of `BYTES_PER_FACT`. 0 only if there is nothing.
        """
