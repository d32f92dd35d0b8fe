"""PackByKey: sends each trace to the views that need it, the events of one bundle for one key as one element.

In: `Trace`s and `HeaderLink`s. Out: packs on `place` (for PlaceFacts) and `join` (for JoinBlocks); on the main output
the aggregated records of ACKs that say of no offset that a message lies there; on `findings` a `send-failed` for each
failed ACK that names no correlationId.
"""

from collections.abc import Iterator
from typing import Any

import apache_beam as beam
from apache_beam import pvalue

from transforms import counters
from transforms.addresses import (
    JOIN,
    LOCATE,
    ORDER,
    PLACE,
    PRODUCE,
    block_key,
    commits_key,
    place_key,
    shard_key,
    topic_key,
)
from transforms.aggregated import aggregated
from transforms.bundle_reach import BundleReach
from transforms.dates import NANOS_PER_MILLI
from transforms.findings import SEND_FAILED, finding
from transforms.keep_view import FINDINGS
from transforms.packs import Addressed, Event, KeyedPack, Packer
from transforms.records import ACK, HeaderLink
from transforms.traces import Ack, Commit, Consume, Send, Trace, error_of, has_no_place, is_refused


class Router:
    """Which views an input concerns. `shards` and `block_size` are frozen with the saved state."""

    def __init__(self, shards: int, block_size: int) -> None:
        self._shards = shards
        self._block_size = block_size

    def events(self, item: Trace | HeaderLink) -> Iterator[Addressed]:
        """The events of a trace or of a header link."""
        if isinstance(item, HeaderLink):
            if item.correlation_id is not None:
                yield self._link(item, item.correlation_id, item.timestamp * NANOS_PER_MILLI)
            yield self._join(item, ("L", item.offset, item.correlation_id, item.timestamp))
            return
        raw = (item.id, item.date, item.client_id, item.timestamp)
        if isinstance(item, Send):
            key = shard_key(item.topic, item.correlation_id, self._shards)
            yield LOCATE, key, item.timestamp, ("S", item.topic, item.correlation_id, *raw, item.extra)
        elif isinstance(item, Ack):
            if has_no_place(item):
                yield from self._unplaced(item)
                return
            yield self._join(item, ("A", item.offset, *raw, item.correlation_id, item.extra))
            if item.correlation_id is not None:
                yield self._link(item, item.correlation_id, item.nanos, acked_by=item.client_id)
        elif isinstance(item, Consume):
            yield self._join(item, ("C", item.offset, *raw, item.correlation_id, item.group_id, item.extra))
            yield self._link(item, item.correlation_id, item.nanos, reader=item.client_id)
        else:
            key = commits_key(item.group_id, item.topic, item.partition)
            yield ORDER, key, item.timestamp, ("K", item.offset, *raw, item.extra)

    def new_reach(self) -> BundleReach:
        """What gathers the groups and blocks of a bundle."""
        return BundleReach(self._block_size)

    def _join(self, item: Ack | Consume | HeaderLink, event: Event) -> Addressed:
        key = block_key(item.topic, item.partition, item.offset // self._block_size)
        return JOIN, key, item.timestamp, event

    def _unplaced(self, ack: Ack) -> Iterator[Addressed]:
        """An ACK that says of no offset that a message lies there."""
        correlation, raw = ack.correlation_id, (ack.id, ack.date, ack.client_id, ack.timestamp)
        if not is_refused(ack):
            yield PRODUCE, topic_key(ack.topic), ack.timestamp, ("N", *raw, correlation)
            if correlation is not None:
                yield self._link(ack, correlation, ack.nanos, acked_by=ack.client_id)
        elif correlation is not None:
            key = shard_key(ack.topic, correlation, self._shards)
            yield LOCATE, key, ack.timestamp, ("E", ack.topic, correlation, *raw, error_of(ack), ack.nanos)

    def _link(
        self,
        item: Ack | Consume | HeaderLink,
        correlation: str,
        nanos: int,
        *,
        acked_by: str | None = None,
        reader: str | None = None,
    ) -> Addressed:
        event = ("L", item.topic, correlation, item.partition, item.offset, nanos, acked_by, item.timestamp, reader)
        return LOCATE, shard_key(item.topic, correlation, self._shards), item.timestamp, event


class PackByKey(beam.PTransform):
    """See the head of this file."""

    def __init__(self, router: Router, cluster: str = "") -> None:
        super().__init__()
        self._router = router
        self._cluster = cluster

    def expand(self, items: beam.PCollection) -> Any:
        """All outputs, by name."""
        return items | "Pack" >> beam.ParDo(_Pack(self._router, self._cluster)).with_outputs(
            PLACE, JOIN, FINDINGS, main="traces"
        )


class _Pack(beam.DoFn):
    def __init__(self, router: Router, cluster: str = "") -> None:
        self._router = router
        self._cluster = cluster
        self._packer = Packer()
        self._reach = router.new_reach()

    def start_bundle(self) -> None:
        self._packer = Packer()
        self._reach = self._router.new_reach()

    def process(self, item: Trace | HeaderLink) -> Iterator[Any]:
        for event in self._router.events(item):
            if self._packer.add(event):
                destination, key, *_ = event
                yield _output(destination, self._packer.take(destination, key))
        reach = self._reach
        if isinstance(item, HeaderLink):
            reach.linked(item)
        elif isinstance(item, Consume):
            reach.consumed(item)
        elif isinstance(item, Commit):
            reach.committed(item)
        elif isinstance(item, Ack):
            if has_no_place(item):
                yield from self._unplaced(item)
            else:
                reach.acked(item)

    def finish_bundle(self) -> Iterator[Any]:
        for event in self._reach.events():
            self._packer.add(event)
        for destination, pack in self._packer.flush():
            output = _output(destination, pack.value)
            yield pvalue.TaggedOutput(output.tag, pack.with_value(output.value))

    def _unplaced(self, ack: Ack) -> Iterator[Any]:
        """An ACK without an offset: the send failed, or (ProducersView decides) the producer asked for none."""
        counters.EMITTED.inc()
        yield aggregated(
            ACK, ack.id, ack.date, ack.client_id, ack.topic, partition=ack.partition, offset=ack.offset,
            correlation_id=ack.correlation_id, cluster=self._cluster, extra=ack.extra,
        )  # fmt: skip
        if not is_refused(ack):
            self._reach.acked_nowhere(ack)
        elif ack.correlation_id is None:
            yield pvalue.TaggedOutput(
                FINDINGS,
                finding(
                    SEND_FAILED, ack.id, None, topic=ack.topic, clientId=ack.client_id, date=ack.date,
                    error=error_of(ack), cluster=self._cluster or None,
                ),
            )  # fmt: skip


def _output(destination: str, pack: KeyedPack) -> pvalue.TaggedOutput:
    if destination == JOIN:
        return pvalue.TaggedOutput(JOIN, pack)
    key, events = pack
    return pvalue.TaggedOutput(PLACE, (place_key(destination, key), events))
