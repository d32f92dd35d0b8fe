"""The join without Beam: parser, packs and views as the steps use them, bundle after bundle, in one process."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from apache_beam import pvalue
from apache_beam.utils.windowed_value import WindowedValue

from transforms.addresses import FOLLOW, JOIN, LOCATE, ORDER, PLACE, PRODUCE, kind_and_key
from transforms.batch_parser import parse_traces
from transforms.block_view import BlockView
from transforms.commits_view import CommitsView
from transforms.findings import MINUTE_MS
from transforms.followers_view import FollowersView
from transforms.journal import JournaledView, Segment
from transforms.pack_by_key import _Pack
from transforms.packs import KeyedPack, Packer
from transforms.producers_view import ProducersView
from transforms.records import KafkaRecord
from transforms.sends_view import SendsView
from transforms.strict_parser import Refused
from transforms.view import Outputs, View
from transforms.waits import Waits

SHARDS, BLOCK_SIZE, LIMIT = 64, 1024, 100_000
_Place = tuple[str, bytes]


class MemoryBag:
    """State of a key that is always there."""

    def __init__(self) -> None:
        self._segments: list[Segment] = []

    def read(self) -> list[Segment]:
        """All segments."""
        return self._segments

    def add(self, value: Segment) -> None:
        """Append one."""
        self._segments.append(value)

    def clear(self) -> None:
        """Remove all."""
        self._segments = []


class CoreAlone:
    """See the head of this file. `written` counts the aggregated traces."""

    def __init__(self) -> None:
        self.written = 0
        self.records = []
        self._pack = _Pack(SHARDS, BLOCK_SIZE)
        waits = Waits()
        common: dict[str, Any] = {"waits": waits, "limit": LIMIT, "block_size": BLOCK_SIZE}
        self._make: dict[str, Callable[[bytes], View]] = {
            LOCATE: partial(SendsView, **common),
            ORDER: partial(CommitsView, **common),
            FOLLOW: partial(FollowersView, **common),
            PRODUCE: partial(ProducersView, **common),
            JOIN: partial(BlockView, waits=waits, limit=LIMIT, block_size=BLOCK_SIZE),
        }
        self._bags: dict[_Place, MemoryBag] = {}
        self._packer = Packer()

    def run(self, raw: Sequence[KafkaRecord], bundle: int) -> None:
        """All of it, in bundles of so many traces; then a minute passes: no hold is left, and everything is judged."""
        for start in range(0, len(raw), bundle):
            records = raw[start : start + bundle]
            traces = parse_traces([one.value for one in records], [one.timestamp for one in records], 60_000)
            self._pack.start_bundle()
            outputs = list(self._pack.process([one for one in traces if not isinstance(one, Refused)]))
            for output in (*outputs, *self._pack.finish_bundle()):
                if isinstance(output, pvalue.TaggedOutput):
                    key, events = output.value.value if isinstance(output.value, WindowedValue) else output.value
                    kind, own_key = kind_and_key(key) if output.tag == PLACE else (JOIN, key)
                    self._absorb(kind, own_key, events)
            self._send()
        now = raw[-1].timestamp + MINUTE_MS
        for kinds in ({LOCATE, ORDER, FOLLOW, PRODUCE}, {JOIN}):
            for kind, key in [place for place in self._bags if place[0] in kinds]:
                ledger, bag = self._open(kind, key)
                self._take(ledger.on_time(bag, now))
            self._send()

    def _absorb(self, kind: str, key: bytes, pack: bytes) -> None:
        ledger, bag = self._open(kind, key)
        self._take(ledger.on_facts(bag, pack))
        ledger.rewrite(bag)

    def _open(self, kind: str, key: bytes) -> tuple[JournaledView, MemoryBag]:
        bag = self._bags.setdefault((kind, key), MemoryBag())
        return JournaledView.open(bag, partial(self._make[kind], key))[0], bag

    def _take(self, outputs: Outputs) -> None:
        self.written += len(outputs.records)
        self.records += outputs.records
        for event in outputs.facts:
            if self._packer.add(event):
                destination, key, *_ = event
                self._deliver(destination, self._packer.take(destination, key))

    def _send(self) -> None:
        """What the views of one step have for those of the next."""
        packer, self._packer = self._packer, Packer()
        for destination, element in packer.flush():
            self._deliver(destination, element.value)

    def _deliver(self, destination: str, pack: KeyedPack) -> None:
        if destination == JOIN:
            self._absorb(JOIN, *pack)
