"""Flights: all flights of a shard, those with news as objects, the quiet ones cold (transforms/cold_flights.py).

Which is which shows nowhere but in memory: a fact about a cold flight takes it out first.
"""

from collections.abc import Iterable, Iterator
from typing import Any

from transforms.cold_flights import ColdFlights
from transforms.flight_coder import Name
from transforms.send_pairing import Flight
from transforms.view import BYTES_PER_FACT
from transforms.waits import earliest

#: Event time (ms) without a fact after which a flight is kept cold, and the grain of the looks for such flights.
QUIET = 120_000
COOLING_GRAIN = 60_000


class Flights:
    """See the head of this file. `span` (ms) is the precision with which cold flights are forgotten."""

    def __init__(self, span: int) -> None:
        self.hot: dict[Name, Flight] = {}
        self.cold = ColdFlights(span)
        #: When to look whether these have become quiet; each hot flight is in one of the lists.
        self._looks: dict[int, list[Name]] = {}
        self._facts = 0

    def facts(self) -> int:
        """Facts held, those of cold flights by their bytes."""
        return self._facts - (-self.cold.weight() // BYTES_PER_FACT)

    def grow(self, facts: int) -> None:
        """A hot flight has so many facts more."""
        self._facts += facts

    def open(self, name: Name, timestamp: int, now: int) -> Flight:
        """The hot flight of this name, about to take in a fact of this time (ms)."""
        flight = self.hot.get(name)
        if flight is None:
            flight = self.cold.pop(name) or Flight()
            self._facts += flight.facts()
            self.hot[name] = flight
            self._look_later(name, timestamp + QUIET, now)
        flight.last = max(flight.last, timestamp)
        return flight

    def remove(self, name: Name) -> Flight:
        """Take a hot flight out."""
        flight = self.hot.pop(name)
        self._facts -= flight.facts()
        return flight

    def expire(self, before: int) -> Iterator[tuple[Name, Flight]]:
        """Forget what has no fact after this time (ms); gives at least all flights with a SEND without a position."""
        for name in [name for name, flight in self.hot.items() if flight.last <= before]:
            yield name, self.remove(name)
        yield from self.cold.expire(before)
        self.clear_looks()

    def oldest(self) -> int | None:
        """The time (ms) of the last fact of what is forgotten first."""
        return earliest(self.cold.oldest(), *(flight.last for flight in self.hot.values()))

    def cool(self, now: int) -> None:
        """Keep cold what has become quiet and waits for nothing."""
        quiet: list[tuple[Name, Flight]] = []
        for look in [look for look in self._looks if look <= now]:
            for name in self._looks.pop(look):
                flight = self.hot.get(name)
                if flight is None or flight.found or flight.failures:  # what was found stays at hand
                    continue
                if flight.last + QUIET > now or not all(send.revision for send in flight.sends):
                    self._look_later(name, flight.last + QUIET, now)
                else:
                    quiet.append((name, self.remove(name)))
        self.cold.add(quiet)

    def next_look(self) -> int | None:
        """When to look next for flights that have become quiet."""
        return min(self._looks, default=None)

    def clear_looks(self) -> None:
        """Forget to look at flights that are gone."""
        looks = {look: [name for name in names if name in self.hot] for look, names in self._looks.items()}
        self._looks = {look: names for look, names in looks.items() if names}

    def snapshot(self) -> Iterator[Any]:
        """What `restore` takes, if there are cold flights."""
        if self.cold.weight():
            yield self.cold.snapshot()

    def restore(self, cold: Iterable[Any]) -> None:
        """The cold flights of a snapshot."""
        self.cold.restore(*cold)

    def _look_later(self, name: Name, due: int, now: int) -> None:
        """Look at this flight when it may have become quiet; flights share looks, since each costs a bundle."""
        look = -(-max(due, now + 1) // COOLING_GRAIN) * COOLING_GRAIN
        self._looks.setdefault(look, []).append(name)
