"""Packs: the facts of one bundle for one key, shuffled as one element.

A shuffle and a state round trip cost per element, so facts of a key travel together (docs/adr/0001). A pack is the
MessagePack array of its facts (transforms/state/facts.py).
"""

import typing
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import apache_beam as beam
from apache_beam.transforms.window import GlobalWindow
from apache_beam.utils.timestamp import Timestamp
from apache_beam.utils.windowed_value import WindowedValue
from msgspec import Raw, msgpack

from transforms.input.records import LATEST_TIMESTAMP
from transforms.state.facts import Ended, LocatedSend, LocatedSends
from transforms.state.view import Addressed

#: A key and the pack for it.
KeyedPack = typing.Tuple[bytes, bytes]  # noqa: UP006  Beam's type inference reads the typing form

MAX_PACK_FACTS = 1024

_encode = msgpack.Encoder().encode
_items = msgpack.Decoder(list[Raw]).decode


def pack_of(facts: Iterable[Any]) -> bytes:
    """The pack of these facts. SENDs that are told for the first time become columns."""
    packed: list[Any] = []
    sends: list[LocatedSend] = []
    for fact in facts:
        if type(fact) is LocatedSend and fact.version == 1 and fact.live and not fact.answered:
            sends.append(fact)
        else:
            packed.append(fact)
    if sends:
        packed.append(LocatedSends.of(sends, bytes([send.digits for send in sends])))
    return _encode(packed)


class Packer:
    """Gathers the facts of a bundle per destination and key, and gives them back as elements for tagged outputs."""

    def __init__(self) -> None:
        self._facts: dict[tuple[str, bytes], list[Any]] = {}
        self._earliest: dict[tuple[str, bytes], int] = {}

    def add(self, item: Addressed) -> bool:
        """Take one fact; True when its pack is full and must be taken out."""
        destination, key, timestamp, fact = item
        address = (destination, key)
        facts = self._facts.get(address)
        if facts is None:
            self._facts[address] = [fact]
            self._earliest[address] = timestamp
            return False
        facts.append(fact)
        self._earliest[address] = min(self._earliest[address], timestamp)
        return len(facts) >= MAX_PACK_FACTS

    def take(self, destination: str, key: bytes) -> KeyedPack:
        """The full pack of a key; what comes later begins another."""
        address = (destination, key)
        del self._earliest[address]
        return key, pack_of(self._facts.pop(address))

    def flush(self) -> Iterator[tuple[str, WindowedValue]]:
        """All that is left, as `(destination, element)`; the element's time is the earliest of its facts."""
        for (destination, key), facts in self._facts.items():
            earliest = Timestamp(micros=self._earliest[destination, key] * 1000)
            yield destination, WindowedValue((key, pack_of(facts)), earliest, (GlobalWindow(),))
        self._facts, self._earliest = {}, {}


class PackFacts(beam.DoFn):
    """Packs the facts that `facts_of` makes of each element and its Kafka timestamp (ms)."""

    def __init__(self, facts_of: Callable[[Any, int], Iterable[Addressed]]) -> None:
        self._facts_of = facts_of
        self._packer = Packer()

    def start_bundle(self) -> None:
        """Nothing of a failed bundle is sent."""
        self._packer = Packer()

    def process(self, element: Any, timestamp: Timestamp = beam.DoFn.TimestampParam) -> Iterator[KeyedPack]:
        """Gather; a full pack leaves at once."""
        for fact in self._facts_of(element, min(max(timestamp.micros // 1000, 0), LATEST_TIMESTAMP)):
            if self._packer.add(fact):
                destination, key, *_ = fact
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
    """A pack with one fact more."""
    key, facts = pack
    return key, _encode([*_items(facts), Raw(_encode(Ended(end)))])
