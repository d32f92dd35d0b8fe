"""ColdTrails: the trails that nothing happens to, in few bytes (see transforms/cold_flights.py).

A message of one SEND and one CONSUME with UUIDs takes some 70 bytes, its part of the index included.
"""

from collections.abc import Iterable, Iterator
from typing import Any, cast
from uuid import UUID

from apache_beam.coders import FastPrimitivesCoder
from apache_beam.coders.coder_impl import create_InputStream

from transforms.cold_flights import ColdFlights
from transforms.dates import NANOS_PER_MILLI
from transforms.flight_coder import FlightCoder, Name
from transforms.pathway_facts import Consumed, Sent, Trail

_coder = FastPrimitivesCoder().get_impl()


class TrailCoder(FlightCoder):
    """A trail that is not pending as bytes. Dates are distances from the first one."""

    def flight(self, flight: Any) -> bytes:
        """The bytes of a trail."""
        trail: Trail = flight
        first = min(facts[0].nanos for facts in (trail.sends_into, trail.consumes) if facts)
        last = trail.last - first // NANOS_PER_MILLI
        values: list[Any] = [first, last, trail.revision, trail.is_cut, len(trail.sends_into)]
        for sent in trail.sends_into:
            values += (sent.nanos - first, self._number(sent.topic), self._number(sent.client_id))
        for one in trail.consumes:
            texts = map(self._number, (one.topic, one.client_id, one.group_id))
            values += (one.nanos - first, *texts)
        return cast("bytes", _coder.encode(values))

    def decode(self, encoded: bytes) -> tuple[Name, Any]:
        """The name and the trail whose bytes these are."""
        stream = create_InputStream(encoded)
        _, name = _coder.decode_from_stream(stream, nested=True)
        values = iter(_coder.decode_from_stream(stream, nested=True))
        trail = Trail()
        first, last, trail.revision, trail.is_cut, sends = (next(values) for _ in range(5))
        trail.last = last + first // NANOS_PER_MILLI
        trail.sends_into = [Sent(next(values) + first, *self._texts(values, 2)) for _ in range(sends)]
        trail.consumes = [Consumed(nanos + first, *self._texts(values, 3)) for nanos in values]
        return _name(name if isinstance(name, str) else str(UUID(bytes=name))), trail

    def _texts(self, numbers: Iterator[Any], count: int) -> list[str]:
        return [cast("str", self._text(next(numbers))) for _ in range(count)]


class ColdTrails(ColdFlights):
    """A ColdFlights whose flights are trails."""

    def __init__(self, span: int) -> None:
        super().__init__(span)
        self._coder = TrailCoder()

    def restore(self, texts: list[str], gone: list[int], filling: Any, chunks: Any, index: Any) -> None:
        """Be what a snapshot says."""
        super().restore(texts, gone, filling, chunks, index)
        self._coder = TrailCoder(texts)

    def keep(self, trails: Iterable[tuple[str, Trail]]) -> None:
        """Take in trails, by correlationId, that are not here and not pending."""
        self.add((_name(correlation), cast("Any", trail)) for correlation, trail in trails)

    def take(self, correlation_id: str) -> Trail | None:
        """Take the trail of this correlationId out; None if it is not here."""
        return cast("Trail | None", self.pop(_name(correlation_id)))


def _name(correlation_id: str) -> Name:
    """The name under which a trail is kept: it is in no topic alone."""
    return "", correlation_id
