"""PackByKey: sends traces to the views that need them, the facts of one bundle for one key as one element.

In: `Traces` or `Links`. Out: packs on `place` (for PlaceFacts) and `join` (for JoinBlocks); on the
main output the records of ACKs that say of no offset that a message lies there; on `findings` a `send-failed` for each
failed ACK that names no correlationId.
"""

from collections.abc import Iterator
from typing import Any

import apache_beam as beam
from apache_beam import pvalue
from apache_beam.transforms.window import GlobalWindow
from apache_beam.utils.timestamp import Timestamp
from apache_beam.utils.windowed_value import WindowedValue

from transforms.input.router import Router
from transforms.state import counters
from transforms.state.addresses import JOIN, PLACE, place_key
from transforms.state.batches import Links, Records, Traces, typed
from transforms.state.keep_view import FINDINGS

#: Traces that are gathered before they are sent, in a bundle that has more.
MAX_TRACES = 16_384


class PackByKey(beam.PTransform):
    """See the head of this file. `shards` and `block_size` are frozen with the saved state."""

    def __init__(self, shards: int, block_size: int, cluster: str = "") -> None:
        super().__init__()
        self._pack = _Pack(shards, block_size, cluster)

    def expand(self, traces: beam.PCollection) -> Any:
        """All outputs, by name."""
        packed = traces | "Pack" >> beam.ParDo(self._pack).with_outputs(PLACE, JOIN, FINDINGS, main="traces")
        return typed(packed, traces=Records)


class _Pack(beam.DoFn):
    def __init__(self, shards: int, block_size: int, cluster: str = "") -> None:
        self._options = shards, block_size, cluster
        self._begin()

    def start_bundle(self) -> None:
        self._begin()

    def process(self, traces: Traces | Links) -> Iterator[Any]:
        self._router.add(traces)
        self._gathered += len(traces)
        if self._gathered >= MAX_TRACES:
            yield from self.finish_bundle()

    def finish_bundle(self) -> Iterator[Any]:
        router = self._router
        self._begin()
        for destination, pack in router.packs():
            if destination == JOIN:
                yield pvalue.TaggedOutput(JOIN, pack)
            else:
                key, facts = pack.value
                yield pvalue.TaggedOutput(PLACE, pack.with_value((place_key(destination, key), facts)))
        outputs, at = router.outputs, Timestamp(micros=router.earliest_output * 1000)
        if outputs.records:
            counters.EMITTED.inc(len(outputs.records))
            yield WindowedValue(outputs.records, at, (GlobalWindow(),))
        for found in outputs.findings:
            yield pvalue.TaggedOutput(FINDINGS, WindowedValue(found, at, (GlobalWindow(),)))

    def _begin(self) -> None:
        self._router = Router(*self._options)
        self._gathered = 0
