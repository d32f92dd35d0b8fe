"""What the traces of one bundle say together of groups and blocks, so that each thing is told once and not per trace.

A trace costs one look into a dictionary and a few comparisons; events are made when the bundle ends.
"""

from collections.abc import Iterator

from transforms.addresses import FOLLOW, ORDER, PRODUCE, commits_key, partition_key, topic_key
from transforms.dates import NANOS_PER_MILLI
from transforms.packs import Addressed
from transforms.records import HEADER_READER, NO_GROUP, HeaderLink
from transforms.traces import Ack, Commit, Consume

#: Topic, partition, block, group.
_Place = tuple[str, int, int, str]
#: Topic, partition, client.
_Producer = tuple[str, int, str]


class BundleReach:
    """See the head of this file. Times in ms are Kafka timestamps, those in ns the dates of traces."""

    def __init__(self, block_size: int) -> None:
        self._block_size = block_size
        self._acked: dict[tuple[str, int, int], int] = {}
        self._placing: dict[_Producer, int] = {}
        self._bare: dict[_Producer, int] = {}
        self._reads: dict[_Place, _Reach] = {}
        self._commits: dict[_Place, _Reach] = {}

    def acked(self, ack: Ack) -> None:
        """A message was written here."""
        place = (ack.topic, ack.partition, ack.offset // self._block_size)
        if ack.timestamp > self._acked.get(place, -1):
            self._acked[place] = ack.timestamp
        producer = (ack.topic, ack.partition, ack.client_id)
        if ack.timestamp > self._placing.get(producer, -1):
            self._placing[producer] = ack.timestamp

    def acked_nowhere(self, ack: Ack) -> None:
        """A producer was answered without an offset and without an error."""
        producer = (ack.topic, ack.partition, ack.client_id)
        self._bare[producer] = max(ack.timestamp, self._bare.get(producer, -1))

    def consumed(self, consume: Consume) -> None:
        """A group read this message."""
        offset = consume.offset
        place = (consume.topic, consume.partition, offset // self._block_size, consume.group_id)
        known = self._reads.get(place)
        if known is None:
            self._reads[place] = _Reach(offset, consume.nanos, consume.timestamp)
        else:
            known.add(offset, consume.timestamp)
            known.add_date(consume.nanos)

    def linked(self, link: HeaderLink) -> None:
        """The reader of headers read this record."""
        place = (link.topic, link.partition, link.offset // self._block_size, HEADER_READER)
        known = self._reads.get(place)
        if known is None:
            self._reads[place] = _Reach(link.offset, 0, link.timestamp)
        else:
            known.add(link.offset, link.timestamp)

    def committed(self, commit: Commit) -> None:
        """A group committed up to this message."""
        place = (commit.topic, commit.partition, commit.offset // self._block_size, commit.group_id)
        known = self._commits.get(place)
        if known is None:
            self._commits[place] = _Reach(commit.offset, commit.nanos, commit.timestamp)
        else:
            known.add(commit.offset, commit.timestamp)
            known.add_date(commit.nanos)

    def events(self) -> Iterator[Addressed]:
        """What views of commits, of followers and of producers are told."""
        for (topic, partition, block), last in self._acked.items():
            yield FOLLOW, partition_key(topic, partition), last, ("M", block, last)
        placing: dict[tuple[str, str], int] = {}
        for (topic, partition, client), last in self._placing.items():
            yield FOLLOW, partition_key(topic, partition), last, ("P", client, last, True)
            placing[topic, client] = max(last, placing.get((topic, client), -1))
        for (topic, client), last in placing.items():
            yield PRODUCE, topic_key(topic), last, ("P", client, last)
        for (topic, partition, client), last in self._bare.items():
            yield FOLLOW, partition_key(topic, partition), last, ("P", client, last, False)
        for (topic, partition, block, group), reach in self._reads.items():
            if group not in {HEADER_READER, NO_GROUP}:
                dates = (reach.first_nanos, reach.last_nanos)
                event = ("R", block, reach.low, reach.high, *dates, None, reach.last)
                yield ORDER, commits_key(group, topic, partition), reach.last, event
            seen = reach.last if group == HEADER_READER else reach.last_nanos // NANOS_PER_MILLI
            fact = ("R", group, block, reach.low, reach.first, reach.last, seen)
            yield FOLLOW, partition_key(topic, partition), reach.first, fact
        for (topic, partition, block, group), reach in self._commits.items():
            fact = ("K", group, block, reach.low, reach.first, reach.last, reach.last_nanos // NANOS_PER_MILLI)
            yield FOLLOW, partition_key(topic, partition), reach.first, fact


class _Reach:
    """Offsets, dates (ns) and Kafka timestamps (ms) of the facts at one place, lowest and highest."""

    __slots__ = ("first", "first_nanos", "high", "last", "last_nanos", "low")

    def __init__(self, offset: int, nanos: int, timestamp: int) -> None:
        self.low = self.high = offset
        self.first_nanos = self.last_nanos = nanos
        self.first = self.last = timestamp

    def add(self, offset: int, timestamp: int) -> None:
        """One more fact. No `min` and `max`: a comparison costs a third of a call."""
        if offset > self.high:
            self.high = offset
        elif offset < self.low:
            self.low = offset
        if timestamp > self.last:
            self.last = timestamp
        elif timestamp < self.first:
            self.first = timestamp

    def add_date(self, nanos: int) -> None:
        """The date of the fact that was just added."""
        if nanos > self.last_nanos:
            self.last_nanos = nanos
        elif nanos < self.first_nanos:
            self.first_nanos = nanos
