"""Packs: the events of one bundle for one key, shuffled as one element.

A shuffle and a state round trip cost per element, so events of a key travel together (docs/adr/0001). An event is a
plain tuple whose first item is its kind; a pack is the JSON array of its events.
"""

import typing
from collections.abc import Callable, Iterator
from typing import Any

import apache_beam as beam
import orjson
from apache_beam.transforms.window import GlobalWindow
from apache_beam.utils.timestamp import Timestamp
from apache_beam.utils.windowed_value import WindowedValue

from transforms.json_bytes import dump
from transforms.records import LATEST_TIMESTAMP

#: An event as it is sent (tuple) and as it arrives (list).
Event = typing.Sequence[Any]
#: A key and the pack for it.
KeyedPack = typing.Tuple[bytes, bytes]  # noqa: UP006  Beam's type inference reads the typing form

#: An event for the view of a key: destination, key, Kafka timestamp (ms), event.
Addressed = tuple[str, bytes, int, Event]

MAX_PACK_EVENTS = 1024

#: The kind of the event that says when bounded input ends: `("E", end)`, in ms of event time.
ENDED = "E"


def encode(events: typing.Iterable[Event]) -> bytes:
    """The pack of these events."""
    return dump(events if isinstance(events, list) else list(events))


def decode(pack: bytes) -> list[list[Any]]:
    """The events of a pack."""
    return typing.cast("list[list[Any]]", orjson.loads(pack))


class Packer:
    """Gathers the events of a bundle per destination and key, and gives them back as elements for tagged outputs."""

    def __init__(self) -> None:
        self._events: dict[tuple[str, bytes], list[Event]] = {}
        self._earliest: dict[tuple[str, bytes], int] = {}

    def add(self, item: Addressed) -> bool:
        """Take one event; True when its pack is full and must be taken out."""
        destination, key, timestamp, event = item
        address = (destination, key)
        events = self._events.get(address)
        if events is None:
            self._events[address] = [event]
            self._earliest[address] = timestamp
            return False
        events.append(event)
        self._earliest[address] = min(self._earliest[address], timestamp)
        return len(events) >= MAX_PACK_EVENTS

    def take(self, destination: str, key: bytes) -> KeyedPack:
        """The full pack of a key; what comes later begins another."""
        address = (destination, key)
        del self._earliest[address]
        return key, encode(self._events.pop(address))

    def flush(self) -> Iterator[tuple[str, WindowedValue]]:
        """All that is left, as `(destination, element)`; the element's time is the earliest of its events."""
        for (destination, key), events in self._events.items():
            earliest = Timestamp(micros=self._earliest[destination, key] * 1000)
            yield destination, WindowedValue((key, encode(events)), earliest, (GlobalWindow(),))
        self._events, self._earliest = {}, {}


class PackEvents(beam.DoFn):
    """Packs what `event_of` makes of each element and its Kafka timestamp (ms); None: the element is left out."""

    def __init__(self, event_of: Callable[[Any, int], Addressed | None]) -> None:
        self._event_of = event_of
        self._packer = Packer()

    def start_bundle(self) -> None:
        """Nothing of a failed bundle is sent."""
        self._packer = Packer()

    def process(self, element: Any, timestamp: Timestamp = beam.DoFn.TimestampParam) -> Iterator[KeyedPack]:
        """Gather; a full pack leaves at once."""
        event = self._event_of(element, min(max(timestamp.micros // 1000, 0), LATEST_TIMESTAMP))
        if event is not None and self._packer.add(event):
            destination, key, *_ = event
            yield self._packer.take(destination, key)

    def finish_bundle(self) -> Iterator[WindowedValue]:
        """One pack for each key."""
        for _, pack in self._packer.flush():
            yield pack


class MergePacks(beam.PTransform):
    """Brings packs together and says what they are: outputs by name have no type, and a stateful step needs its key's.

    Packs are merged, never traces: a merge ends the fusion of steps, and what passes it is encoded one by one. With
    bounded input each pack brings the news of its `end` (one number, ms of event time): a view must know what nobody
    can know yet when the input ends.
    """

    def __init__(self, end: beam.PCollection[int] | None = None) -> None:
        super().__init__()
        self._end = end

    def expand(self, packs: tuple[beam.PCollection, ...]) -> beam.PCollection[KeyedPack]:
        """All packs."""
        merged = packs | beam.Flatten() | beam.Map(_same).with_input_types(KeyedPack).with_output_types(KeyedPack)
        if self._end is None:
            return merged
        return merged | "TellEnd" >> beam.Map(_with_end, beam.pvalue.AsSingleton(self._end)).with_output_types(
            KeyedPack
        )


def _same(pack: KeyedPack) -> KeyedPack:
    return pack


def _with_end(pack: KeyedPack, end: int) -> KeyedPack:
    """A pack is the array of one event at least."""
    key, events = pack
    return key, b"%b,%b]" % (events[:-1], dump((ENDED, end)))
