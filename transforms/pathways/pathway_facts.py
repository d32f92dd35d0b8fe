"""What is known of one correlationId, whichever topics it is seen in: facts, and the trail that they make."""

from bisect import insort
from sys import intern

from msgspec import Struct

#: A correlationId with more facts than this names no message; those beyond are given up.
MAX_TRAIL_FACTS = 256


class Sent(Struct, tag="sent", array_like=True, gc=False, frozen=True, order=True):
    """It was sent into this topic by this client at this date (ns)."""

    nanos: int
    topic: str
    client_id: str

    def interned(self) -> "Sent":
        """The same with texts that all facts share."""
        return Sent(self.nanos, intern(self.topic), intern(self.client_id))


class Consumed(Struct, tag="consumed", array_like=True, gc=False, frozen=True, order=True):
    """It was read from this topic by this client of this group at this date (ns)."""

    nanos: int
    topic: str
    client_id: str
    group_id: str

    def interned(self) -> "Consumed":
        """The same with texts that all facts share."""
        return Consumed(self.nanos, intern(self.topic), intern(self.client_id), intern(self.group_id))


class PathFact(Struct, array_like=True, gc=False):
    """What a trace of this Kafka timestamp (ms) says of its correlationId."""

    correlation_id: str
    timestamp: int
    fact: Sent | Consumed


class Trail(Struct, array_like=True, gc=False):
    """All different SENDs and CONSUMEs of one correlationId, each in order of date.

    A fact is what it says: a pathway needs no ids, so one that says the same as another is the same. `last` is the
    Kafka timestamp (ms) of the newest, `due` when it is quiet (ms of event time). `revision` tells how often the
    pathway was written, `is_pending` that it changed since then, `is_cut` that a fact was given up.
    """

    sends_into: list[Sent] = []
    consumes: list[Consumed] = []
    last: int = 0
    due: int = 0
    revision: int = 0
    is_pending: bool = False
    is_cut: bool = False

    def has(self, fact: Sent | Consumed) -> bool:
        """Whether this is known."""
        return fact in self.sends_into or fact in self.consumes

    def add(self, fact: Sent | Consumed) -> None:
        """Take in a new fact."""
        if isinstance(fact, Sent):
            insort(self.sends_into, fact)
        else:
            insort(self.consumes, fact)

    def size(self) -> int:
        """How many facts this holds."""
        return len(self.sends_into) + len(self.consumes)

    def is_in_several_topics(self) -> bool:
        """Whether there is a pathway at all."""
        topics = [*(sent.topic for sent in self.sends_into), *(one.topic for one in self.consumes)]
        return topics.count(topics[0]) < len(topics) if topics else False

    def intern(self) -> None:
        """Share all texts with other trails."""
        self.sends_into = [sent.interned() for sent in self.sends_into]
        self.consumes = [one.interned() for one in self.consumes]
