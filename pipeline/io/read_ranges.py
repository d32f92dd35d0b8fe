"""ReadRanges: what lies between two offsets of each partition, then the end. The bounded read of Kafka.

In: `(reader, ranges)`. Out: as of ReadPartitions, `traces` on the main output, `messages`, `observed` and `commits`.
Raises TimeoutError when the brokers give nothing for a minute.
"""

import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import apache_beam as beam

from pipeline.config.client_properties import to_librdkafka
from pipeline.io.message_batches import Polled, batches
from pipeline.io.partition_consumer import PartitionConsumer
from pipeline.io.reader_state import Listed
from pipeline.io.topics_to_read import Partition, TopicsToRead

#: A poll that brings nothing for this long means that the broker is gone.
_STALLED_S = 60.0
_WAIT_S = 1.0


class Range(NamedTuple):
    """Offsets of one partition to read: from `start` up to, not including, `end`."""

    topic: str
    partition: int
    start: int
    end: int


class ReadRanges(beam.DoFn):
    """See the head of this file. `consumer` are Java client properties, which may refer to secrets."""

    def __init__(self, topics: TopicsToRead, consumer: Mapping[str, str]) -> None:
        self._topics = topics
        self._consumer = dict(consumer)

    def process(self, element: tuple[bytes, Sequence[Range]]) -> Iterator[Any]:
        """Read them all, side by side."""
        ends = {(each.topic, each.partition): each.end for each in element[1] if each.start < each.end}
        starts = {(each.topic, each.partition): each.start for each in element[1] if each.start < each.end}
        if not ends:
            return
        client = PartitionConsumer({**to_librdkafka(self._consumer), "auto.offset.reset": "earliest"})
        try:
            client.align(starts)
            yield from self._read(client, {place: self._listed(place) for place in starts}, dict(starts), ends)
        finally:
            client.close()

    def _read(
        self,
        client: PartitionConsumer,
        listed: Mapping[Partition, Listed],
        at: dict[Partition, int],
        ends: dict[Partition, int],
    ) -> Iterator[Any]:
        heard = time.monotonic()
        while ends:
            client.poll(_WAIT_S)
            if client.has_messages:
                heard = time.monotonic()
            elif time.monotonic() - heard >= _STALLED_S:
                topic, partition = min(ends)
                raise TimeoutError(
                    f"{topic}/{partition} gave nothing for {_STALLED_S:.0f} s before offset {ends[topic, partition]}: "
                    "is the broker up? See: tracing-aggregator check"
                )
            done = set()
            for place, end in ends.items():
                messages, offset = client.take(place)
                wanted = [message for message in messages if (message.offset() or 0) < end]
                polled = Polled(wanted, min(offset, end), client.polled_ms)
                yield from batches(listed[place], polled, is_news=polled.next_offset != at[place])
                at[place] = polled.next_offset
                if offset >= end or client.is_at_end(place):
                    done.add(place)
            client.drop(done)
            ends = {place: end for place, end in ends.items() if place not in done}

    def _listed(self, place: Partition) -> Listed:
        topic, topics = place[0], self._topics
        return Listed(
            *place, "", topic == topics.tracing, has_append_time=False,
            has_links=topics.links(topic), is_observed=topics.observes(topic),
        )  # fmt: skip
