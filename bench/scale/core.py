"""The join without Beam: the same views, packs and journals, driven in one process, and weighed kind by kind.

It shows what cannot be seen from outside a runner: the bytes of each journal, and the CPU of each kind of view. Between
views everything is delivered at once, in order; findings are counted, not summed up.
"""

import time
from collections import Counter
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

from bench.generate import MS, RawTrace
from pipeline.config.settings import Settings
from pipeline.graph import waits_of
from transforms.addresses import FOLLOW, JOIN, LOCATE, ORDER, STATS
from transforms.batch_parser import parse_traces
from transforms.block_view import BlockView
from transforms.commits_view import CommitsView
from transforms.followers_view import FollowersView
from transforms.journal import Ledger, Segment
from transforms.pack_by_key import Router
from transforms.packs import Addressed, Packer
from transforms.records import UNKNOWN, KeyValue
from transforms.sends_view import SendsView
from transforms.stats_view import StatsView
from transforms.strict_parser import Refused
from transforms.traces import Ack, Commit, Consume, Trace
from transforms.view import Outputs

#: Downstream last: a batch goes through in this order.
KINDS = (LOCATE, ORDER, FOLLOW, JOIN, STATS)
PARSE = "parse"

Address = tuple[str, bytes]


class Core:
    """All views. `parse`, `bundle` and `pass_time` are called as a runner would; `written` hears of all records."""

    def __init__(self, settings: Settings, written: Callable[[list[KeyValue]], None]) -> None:
        self._settings = settings
        self._router = Router(settings.locate_shards, settings.block_size)
        common: dict[str, Any] = {"waits": waits_of(settings), "limit": settings.limit_open_per_key}
        place = {**common, "block_size": settings.block_size}
        self._make: dict[str, Callable[[bytes], Any]] = {
            LOCATE: partial(SendsView, **place),
            ORDER: partial(CommitsView, **place),
            FOLLOW: partial(FollowersView, **place),
            JOIN: partial(BlockView, **common),
            STATS: partial(StatsView, waits=common["waits"]),
        }
        self._bags: dict[Address, Bag] = {}
        self._due: dict[Address, int] = {}
        self.cpu_s = dict.fromkeys((PARSE, *KINDS), 0.0)
        self._written = written
        #: Views opened, and bytes appended to journals, snapshots among them: what goes into checkpoints.
        self.touched = 0
        self.written_bytes = 0

    def parse(self, traces: Iterable[RawTrace]) -> list[Trace]:
        """As ParseTraces does; raises TypeError for what is no trace."""
        began = time.process_time()
        raw = list(traces)
        parsed: list[Trace] = []
        stamps = [one.date // MS for one in raw]
        for one in parse_traces([one.value for one in raw], stamps, self._settings.date_max_ahead_ms):
            if isinstance(one, Refused):
                raise TypeError(f"The parser refused a trace: {one.detail}")
            parsed.append(one)
        self.cpu_s[PARSE] += time.process_time() - began
        return parsed

    def bundle(self, traces: Iterable[Trace]) -> None:
        """One bundle of traces, packed and delivered."""
        began = time.process_time()
        reach, events = self._router.new_reach(), list[Addressed]()
        for trace in traces:
            events += self._router.events(trace)
            if isinstance(trace, Consume):
                reach.consumed(trace)
            elif isinstance(trace, Commit):
                reach.committed(trace)
            elif isinstance(trace, Ack) and trace.offset != UNKNOWN:
                reach.acked(trace)
        events += reach.events()
        self.cpu_s[PARSE] += time.process_time() - began
        self._deliver(events)

    def pass_time(self, now: int) -> None:
        """Event time reaches `now` (ms): timers fire, upstream first."""
        while due := [address for address, deadline in self._due.items() if deadline <= now]:
            address = min(due, key=lambda each: (self._due[each], KINDS.index(each[0]), each[1]))
            fired = self._due.pop(address)
            self._deliver(self._act(address, lambda ledger, bag, at=fired: ledger.expire(bag, at)))  # type: ignore[misc]

    def journal_bytes(self) -> Counter[str]:
        """Bytes of all journals, by kind of view."""
        size: Counter[str] = Counter()
        for (kind, _), bag in self._bags.items():
            size[kind] += sum(len(segment.pack) for segment in bag.segments)
        return size

    def weights(self) -> Counter[str]:
        """Estimated bytes in memory of views and cached journals, by kind of view: what the cache counts."""
        weights: Counter[str] = Counter()
        for (kind, _), bag in self._bags.items():
            ledger = bag.segments[0].ledger
            weights[kind] += ledger.weight() if ledger else 0
        return weights

    def facts(self) -> Counter[str]:
        """Facts that the views count, by kind of view: what `limit.open.per.key` is about."""
        facts: Counter[str] = Counter()
        for (kind, _), bag in self._bags.items():
            ledger = bag.segments[0].ledger
            facts[kind] += ledger.view.facts() if ledger else 0
        return facts

    def rebuild_s(self) -> float:
        """CPU seconds to build all views from their journals, as after eviction from the cache."""
        began = time.process_time()
        for (kind, key), bag in self._bags.items():
            Ledger.open(Bag([Segment(one.number, one.pack, is_snapshot=one.is_snapshot) for one in bag.segments]),
                        partial(self._make[kind], key))  # fmt: skip
        return time.process_time() - began

    def _deliver(self, events: list[Addressed]) -> None:
        for kind in KINDS:
            packer = Packer()
            for event in events:
                if event[0] == kind:
                    packer.add(event)
            events = [event for event in events if event[0] != kind]
            for _, pack in packer.flush():
                key, packed = pack.value
                events += self._act((kind, key), lambda ledger, bag, it=packed: ledger.absorb(bag, it))  # type: ignore[misc]

    def _act(self, address: Address, act: Callable[[Ledger, "Bag"], Outputs]) -> list[Addressed]:
        began = time.process_time()
        kind, key = address
        bag = self._bags.setdefault(address, Bag())
        ledger, _ = Ledger.open(bag, partial(self._make[kind], key))
        written = bag.written
        outputs = act(ledger, bag)
        ledger.rewrite(bag)
        self.written_bytes += bag.written - written
        self.touched += 1
        self._due.pop(address, None)
        if (deadline := ledger.view.deadline()) is not None:
            self._due[address] = deadline
        if not bag.segments:
            del self._bags[address]
        self.cpu_s[kind] += time.process_time() - began
        self._written(outputs.records)
        return outputs.events


class Bag:
    """A bag of segments in memory that counts the bytes that were added."""

    def __init__(self, segments: Iterable[Segment] = ()) -> None:
        self.segments = list(segments)
        self.written = 0

    def read(self) -> list[Segment]:
        """All segments."""
        return self.segments

    def add(self, value: Segment) -> None:
        """Append one."""
        self.segments.append(value)
        self.written += len(value.pack)

    def clear(self) -> None:
        """Remove all."""
        self.segments = []
