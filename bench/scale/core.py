"""The core weighed kind by kind: the bytes of each journal, and the CPU of each kind of view.

It shows what cannot be seen from outside a runner. Findings are counted, not summed up.
"""

import time
from collections import Counter
from collections.abc import Callable, Iterable
from functools import partial

from bench.engine import Act, Engine, MemoryBag, join_views
from bench.generate import MS, RawTrace
from pipeline.config.settings import Settings
from pipeline.graph import waits_of
from transforms.input.batch_parser import parse_traces
from transforms.input.records import KeyValue
from transforms.input.strict_parser import Refused
from transforms.input.traces import Trace
from transforms.state.addresses import FOLLOW, JOIN, LOCATE, ORDER, PRODUCE, STATS
from transforms.state.journal import JournaledView, Segment
from transforms.stats.stats_view import StatsView

KINDS = (LOCATE, ORDER, FOLLOW, PRODUCE, JOIN, STATS)
PARSE = "parse"


class Core(Engine):
    """All views. `parse`, `bundle` and `pass_time` are called as a runner would; `write` hears of all records."""

    def __init__(self, settings: Settings, write: Callable[[list[KeyValue]], None]) -> None:
        waits, block_size = waits_of(settings), settings.block_size
        views = join_views(waits, limit=settings.limit_open_per_key, block_size=block_size)
        super().__init__(
            {**views, STATS: partial(StatsView, waits=waits)}, shards=settings.locate_shards, block_size=block_size
        )
        self._max_ahead_ms = settings.date_max_ahead_ms
        self._write = write
        self.cpu_s = dict.fromkeys((PARSE, *KINDS), 0.0)
        #: Views opened, and bytes appended to journals, snapshots among them: what goes into checkpoints.
        self.touched = 0
        self.written_bytes = 0

    def parse(self, traces: Iterable[RawTrace]) -> list[Trace]:
        """As ParseTraces does; raises TypeError for what is no trace."""
        began = time.process_time()
        raw = list(traces)
        parsed: list[Trace] = []
        for one in parse_traces([one.value for one in raw], [one.date // MS for one in raw], self._max_ahead_ms):
            if isinstance(one, Refused):
                raise TypeError(f"The parser refused a trace: {one.detail}")
            parsed.append(one)
        self.cpu_s[PARSE] += time.process_time() - began
        return parsed

    def bundle(self, traces: Iterable[Trace]) -> None:
        """One bundle of traces, packed and delivered."""
        began = time.process_time()
        self.feed(traces)
        self.cpu_s[PARSE] += time.process_time() - began
        self.deliver()

    def on_view(self, kind: str, key: bytes, act: Act) -> None:
        """Do something to a view, and what follows from it."""
        began, bag = time.process_time(), self.bags[kind, key]
        appended = bag.appended
        super().on_view(kind, key, act)
        self.written_bytes += bag.appended - appended
        self.touched += 1
        if not bag.segments:
            del self.bags[kind, key]
        self.cpu_s[kind] += time.process_time() - began

    def written(self, records: list[KeyValue]) -> None:
        """Records of the aggregated topic and of the statistics."""
        self._write(records)

    def journal_bytes(self) -> Counter[str]:
        """Bytes of all journals, by kind of view."""
        size: Counter[str] = Counter()
        for (kind, _), bag in self.bags.items():
            size[kind] += sum(len(segment.content) for segment in bag.segments)
        return size

    def weights(self) -> Counter[str]:
        """Estimated bytes in memory of views and cached journals, by kind of view: what the cache counts."""
        weights: Counter[str] = Counter()
        for (kind, _), bag in self.bags.items():
            view = bag.segments[0].view
            weights[kind] += view.weight() if view else sum(len(segment.content) for segment in bag.segments)
        return weights

    def facts(self) -> Counter[str]:
        """Facts that live views count, by kind of view: what `limit.open.per.key` is about."""
        facts: Counter[str] = Counter()
        for (kind, _), bag in self.bags.items():
            view = bag.segments[0].view
            facts[kind] += view.view.size() if view else 0
        return facts

    def rebuild_s(self) -> float:
        """CPU seconds to build all views from their journals, as after eviction from the cache."""
        began = time.process_time()
        for (kind, key), bag in self.bags.items():
            copies = MemoryBag(Segment(one.number, one.kind, one.content) for one in bag.segments)
            JournaledView.open(copies, partial(self.make[kind], key))
        return time.process_time() - began
