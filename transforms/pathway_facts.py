"""Trail: what is known of one correlationId, whichever topics it is seen in."""

from bisect import insort
from sys import intern
from typing import Any, NamedTuple

#: A correlationId with more facts than this names no message; those beyond are given up.
MAX_TRAIL_FACTS = 256


class Sent(NamedTuple):
    """It was sent into this topic by this client at this date (ns)."""

    nanos: int
    topic: str
    client_id: str


class Consumed(NamedTuple):
    """It was read from this topic by this client of this group at this date (ns)."""

    nanos: int
    topic: str
    client_id: str
    group_id: str


class Trail:
    """All different SENDs and CONSUMEs of one correlationId, each in order of date.

    A fact is what it says: a pathway needs no ids, so one that says the same as another is the same. `last` is the
    Kafka timestamp (ms) of the newest, `due` when it is quiet (ms of event time). `revision` tells how often the
    pathway was written, `is_pending` that it changed since then, `is_cut` that a fact was given up.
    """

    __slots__ = ("consumes", "due", "is_cut", "is_pending", "last", "revision", "sends_into")

    def __init__(self) -> None:
        self.sends_into: list[Sent] = []
        self.consumes: list[Consumed] = []
        self.last = 0
        self.due = 0
        self.revision = 0
        self.is_pending = False
        self.is_cut = False

    def has(self, fact: Sent | Consumed) -> bool:
        """Whether this is known."""
        return fact in self.sends_into or fact in self.consumes

    def add(self, fact: Sent | Consumed) -> None:
        """Take in a new fact."""
        if isinstance(fact, Sent):
            insort(self.sends_into, fact)
        else:
            insort(self.consumes, fact)

    def facts(self) -> int:
        """How many facts this holds."""
        return len(self.sends_into) + len(self.consumes)

    def is_in_several_topics(self) -> bool:
        """Whether there is a pathway at all."""
        topics = [*(sent.topic for sent in self.sends_into), *(one.topic for one in self.consumes)]
        return topics.count(topics[0]) < len(topics) if topics else False

    def state(self) -> tuple[Any, ...]:
        """All of it, for JSON."""
        facts = [*map(tuple, self.sends_into)], [*map(tuple, self.consumes)]
        return self.last, self.due, self.revision, self.is_pending, self.is_cut, *facts

    @classmethod
    def of(
        cls, last: int, due: int, revision: int, is_pending: bool, is_cut: bool, sends: Any, consumes: Any
    ) -> "Trail":
        """The trail of this state."""
        trail = cls()
        trail.last, trail.due, trail.revision, trail.is_pending, trail.is_cut = last, due, revision, is_pending, is_cut
        trail.sends_into = [Sent(nanos, *map(intern, texts)) for nanos, *texts in sends]
        trail.consumes = [Consumed(nanos, *map(intern, texts)) for nanos, *texts in consumes]
        return trail
