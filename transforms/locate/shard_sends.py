"""ShardSends: what a shard keeps of its correlationIds: plain ones, others as objects, and the quiet ones cold.

Which is which shows nowhere but in memory: a fact about a quiet one takes it out first.
"""

from collections.abc import Iterator

from transforms.locate.send_coder import SendCoder
from transforms.locate.send_facts import CorrelatedSends, Name, PlainSend
from transforms.state.cold_store import ColdRecord, ColdStore, SavedStore
from transforms.state.view import BYTES_PER_FACT
from transforms.state.waits import earliest

#: Event time (ms) without a fact after which a correlationId is kept cold, and the grain of the looks for such.
QUIET = 120_000
COOLING_GRAIN = 60_000


class ShardSends:
    """See the head of this file. `span` (ms) is the precision with which cold ones are forgotten."""

    def __init__(self, span: int) -> None:
        self.plain: dict[Name, PlainSend] = {}
        self.objects: dict[Name, CorrelatedSends] = {}
        self.cold = ColdStore(span)
        self._coder = SendCoder()
        #: When to look whether these have become quiet; each that is not cold is in one of the lists.
        self._looks: dict[int, list[Name]] = {}
        self._facts = 0

    def facts(self) -> int:
        """Facts held, those of cold ones by their bytes."""
        return self._facts - (-self.cold.weight() // BYTES_PER_FACT)

    def grow(self, facts: int) -> None:
        """There are so many facts more in what is not cold."""
        self._facts += facts

    def find(self, name: Name, timestamp: int, now: int) -> PlainSend | CorrelatedSends:
        """What is known under this name, about to take in a fact of this time (ms)."""
        known: PlainSend | CorrelatedSends | None = self.plain.get(name) or self.objects.get(name)
        if known is None:
            known = self._warm(name)
            self._look_later(name, timestamp, now)
        known.last = max(known.last, timestamp)
        return known

    def as_object(self, name: Name) -> CorrelatedSends:
        """What is known under this name, as an object from now on."""
        plain = self.plain.pop(name, None)
        if plain is not None:
            self.objects[name] = plain.as_object()
        return self.objects[name]

    def remove(self, name: Name) -> PlainSend | CorrelatedSends:
        """Take out what is not cold."""
        known: PlainSend | CorrelatedSends = self.plain.pop(name, None) or self.objects.pop(name)
        self._facts -= known.facts()
        return known

    def names(self) -> list[Name]:
        """All names that are not cold, those first that were not heard of for the longest time."""
        known: dict[Name, PlainSend | CorrelatedSends] = {**self.plain, **self.objects}
        return sorted(known, key=lambda name: known[name].last)

    def expire(self, before: int) -> Iterator[tuple[Name, CorrelatedSends]]:
        """Forget what has no fact after this time (ms); gives at least all that has a SEND without a position."""
        for held in (self.plain, self.objects):
            for name in [name for name, known in held.items() if known.last <= before]:
                known = self.remove(name)
                yield name, known.as_object() if isinstance(known, PlainSend) else known
        for record in self.cold.expire(before):
            name, known = self._coder.decode(record)
            yield name, known.as_object() if isinstance(known, PlainSend) else known
        self.clear_looks()

    def drop_oldest(self) -> Iterator[PlainSend | CorrelatedSends]:
        """Forget the cold ones that would be forgotten first."""
        return (self._coder.decode(record)[1] for record in self.cold.drop_oldest())

    def oldest(self) -> int | None:
        """The time (ms) of the last fact of what is forgotten first."""
        hot = [known.last for held in (self.plain, self.objects) for known in held.values()]
        return earliest(self.cold.oldest(), min(hot, default=None))

    def cool(self, now: int) -> None:
        """Keep cold what has become quiet and waits for nothing."""
        records: list[ColdRecord] = []
        for look in [look for look in self._looks if look <= now]:
            for name in self._looks.pop(look):
                known: PlainSend | CorrelatedSends | None = self.plain.get(name) or self.objects.get(name)
                if known is None or (isinstance(known, CorrelatedSends) and (known.found or known.failures)):
                    continue  # what was found stays at hand
                if known.last + QUIET > now or _waits(known):
                    self._look_later(name, known.last, now)
                else:
                    self.remove(name)
                    records.append(self._record(name, known))
        self.cold.add(records)

    def next_look(self) -> int | None:
        """When to look next for what has become quiet."""
        return min(self._looks, default=None)

    def clear_looks(self) -> None:
        """Forget to look at what is gone."""
        there = self.plain.keys() | self.objects.keys()
        looks = {look: [name for name in names if name in there] for look, names in self._looks.items()}
        self._looks = {look: names for look, names in looks.items() if names}

    def snapshot(self) -> tuple[list[str], SavedStore]:
        """The cold ones and the texts that they refer to."""
        return self._coder.table.texts, self.cold.snapshot()

    def restore(
        self,
        cold: tuple[list[str], SavedStore],
        plain: dict[Name, PlainSend],
        objects: dict[Name, CorrelatedSends],
        now: int,
    ) -> None:
        """Be what a snapshot says."""
        texts, saved = cold
        self._coder = SendCoder(texts)
        self.cold.restore(saved)
        self.plain, self.objects = plain, objects
        self._facts = sum(known.facts() for held in (plain, objects) for known in held.values())
        for held in (plain, objects):
            for name, known in held.items():
                self._look_later(name, known.last, now)

    def _look_later(self, name: Name, last: int, now: int) -> None:
        """Look when this may have become quiet; names share looks, since each costs a bundle."""
        look = -(-max(last + QUIET, now + 1) // COOLING_GRAIN) * COOLING_GRAIN
        self._looks.setdefault(look, []).append(name)

    def _warm(self, name: Name) -> PlainSend | CorrelatedSends:
        """Take out what is cold under this name; new, if there is nothing."""
        record = self.cold.pop(self._coder.name(name)) if self.cold.weight() else None
        known: PlainSend | CorrelatedSends = PlainSend() if record is None else self._coder.decode(record)[1]
        self._facts += known.facts()
        if isinstance(known, PlainSend):
            self.plain[name] = known
        else:
            self.objects[name] = known
        return known

    def _record(self, name: Name, known: PlainSend | CorrelatedSends) -> ColdRecord:
        has_unplaced = isinstance(known, CorrelatedSends) and any(send.written is None for send in known.sends)
        return ColdRecord(self._coder.name(name), self._coder.entry(known), known.last, has_unplaced)


def _waits(known: PlainSend | CorrelatedSends) -> bool:
    """Whether a SEND of it was not written yet."""
    if isinstance(known, PlainSend):
        return known.id != "" and not known.written
    return not all(send.revision for send in known.sends)
