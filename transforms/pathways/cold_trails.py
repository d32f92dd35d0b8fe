"""ColdTrails: the trails that nothing happens to, in few bytes (see transforms/state/cold_store.py).

A message of one SEND and one CONSUME with UUIDs takes some 70 bytes, its part of the index included.
"""

from collections.abc import Iterable, Iterator
from typing import Any

from msgspec import msgpack

from transforms.input.dates import NANOS_PER_MILLI
from transforms.locate.send_coder import TextTable, packed
from transforms.pathways.pathway_facts import Consumed, Sent, Trail
from transforms.state.cold_store import ColdRecord, ColdStore, SavedStore

_encode = msgpack.Encoder().encode
_decode = msgpack.Decoder(list[Any]).decode


class ColdTrails:
    """See the head of this file. `span` (ms) is the precision with which trails are forgotten."""

    def __init__(self, span: int) -> None:
        self._store = ColdStore(span)
        self._table = TextTable()

    def weight(self) -> int:
        """Bytes in memory; 0 if and only if it is empty."""
        return self._store.weight()

    def oldest(self) -> int | None:
        """The time (ms) of the last fact of what is forgotten first."""
        return self._store.oldest()

    def keep(self, trails: Iterable[tuple[str, Trail]]) -> None:
        """Take in trails, by correlationId, that are not here and not pending."""
        self._store.add(
            ColdRecord(_name(correlation_id), self._encoded(trail), trail.last) for correlation_id, trail in trails
        )

    def take(self, correlation_id: str) -> Trail | None:
        """Take the trail of this correlationId out; None if it is not here."""
        record = self._store.pop(_name(correlation_id)) if self._store.weight() else None
        return None if record is None else self._decoded(record)

    def forget(self, before: int) -> None:
        """Forget the trails without a fact after this time (ms)."""
        for _ in self._store.expire(before):
            """No trail has anything to say then."""

    def drop_oldest(self) -> Iterator[Trail]:
        """Forget the trails that would be forgotten first; gives them."""
        return map(self._decoded, self._store.drop_oldest())

    def snapshot(self) -> tuple[list[str], SavedStore]:
        """What `restore` takes."""
        return self._table.texts, self._store.snapshot()

    def restore(self, texts: list[str], saved: SavedStore) -> None:
        """Be what a snapshot says."""
        self._table = TextTable(texts)
        self._store.restore(saved)

    def _encoded(self, trail: Trail) -> bytes:
        """The bytes of a trail. Dates are distances from the first one."""
        first = min(facts[0].nanos for facts in (trail.sends_into, trail.consumes) if facts)
        number = self._table.number
        sends = [(sent.nanos - first, number(sent.topic), number(sent.client_id)) for sent in trail.sends_into]
        consumes = [
            (one.nanos - first, number(one.topic), number(one.client_id), number(one.group_id))
            for one in trail.consumes
        ]
        last = trail.last - first // NANOS_PER_MILLI
        return _encode((first, last, trail.revision, trail.is_cut, sends, consumes))

    def _decoded(self, record: bytes) -> Trail:
        text = self._table.text
        first, last, revision, is_cut, sends, consumes = _decode(record[2 + int.from_bytes(record[:2], "big") :])
        trail = Trail()
        trail.last, trail.revision, trail.is_cut = last + first // NANOS_PER_MILLI, revision, is_cut
        trail.sends_into = [Sent(nanos + first, text(topic), text(client)) for nanos, topic, client in sends]
        trail.consumes = [
            Consumed(nanos + first, text(topic), text(client), text(group)) for nanos, topic, client, group in consumes
        ]
        return trail


def _name(correlation_id: str) -> bytes:
    """The name under which a trail is kept: it is in no topic alone."""
    name = _encode(packed(correlation_id))
    return len(name).to_bytes(2, "big") + name
