"""The join without Beam: the steps, packs, journals and timers as a runner drives them, in one process, in order.

`Engine` is what the benchmarks drive, and what the tests' PureRun is built on, which does the same in any other order.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Any

from apache_beam import pvalue

from transforms.findings.findings import Finding
from transforms.input.pack_by_key import _Pack
from transforms.input.records import HeaderLink, KeyValue
from transforms.input.traces import Trace
from transforms.join.block_view import BlockView
from transforms.locate.commits_view import CommitsView
from transforms.locate.followers_view import FollowersView
from transforms.locate.producers_view import ProducersView
from transforms.locate.sends_view import SendsView
from transforms.state.addresses import FOLLOW, JOIN, LIMIT, LOCATE, ORDER, PRODUCE, STATS, kind_and_key
from transforms.state.batches import Traces
from transforms.state.journal import JournaledView, Segment
from transforms.state.keep_view import FINDINGS
from transforms.state.packs import pack_of
from transforms.state.view import Outputs, View
from transforms.state.waits import Waits

#: Kind of view, and key.
Address = tuple[str, bytes]
#: What is done to the view of an address.
Act = Callable[[JournaledView, "MemoryBag"], Outputs]

#: The order in which facts go through the kinds of views.
RANKS = {LOCATE: 0, ORDER: 0, FOLLOW: 0, PRODUCE: 0, JOIN: 1, LIMIT: 2, STATS: 3}


class MemoryBag:
    """A bag of segments in memory. `appended` counts the bytes that were ever added."""

    def __init__(self, segments: Iterable[Segment] = ()) -> None:
        self.segments = list(segments)
        self.appended = 0

    def read(self) -> list[Segment]:
        """All segments."""
        return self.segments

    def add(self, value: Segment) -> None:
        """Append one."""
        self.segments.append(value)
        self.appended += len(value.content)

    def clear(self) -> None:
        """Remove all."""
        self.segments = []


def join_views(
    waits: Waits, *, limit: int = 100_000, block_size: int = 1024, cluster: str = "", exact: bool = False
) -> dict[str, Callable[[bytes], View]]:
    """How the views of PlaceFacts and JoinBlocks are made, by kind."""
    common: dict[str, Any] = {"waits": waits, "limit": limit, "block_size": block_size, "cluster": cluster}
    return {
        LOCATE: partial(SendsView, **common),
        ORDER: partial(CommitsView, **common),
        FOLLOW: partial(FollowersView, **common),
        PRODUCE: partial(ProducersView, **common),
        JOIN: partial(BlockView, exact=exact, **common),
    }


class Engine:
    """See the head of this file. `make` has the views that take part, by kind; facts for others go to `spare`."""

    def __init__(
        self,
        make: Mapping[str, Callable[[bytes], View]],
        *,
        shards: int = 64,
        block_size: int = 1024,
        cluster: str = "",
    ) -> None:
        self.make = dict(make)
        self.now = -1
        self.counts: Counter[str] = Counter()
        self.findings: list[Finding] = []
        #: Packs that wait for their view: kind, key, pack.
        self.pending: list[tuple[str, bytes, bytes]] = []
        self.bags: dict[Address, MemoryBag] = defaultdict(self.new_bag)
        self.due: dict[Address, int] = {}
        self._gathered: dict[Address, list[Any]] = defaultdict(list)
        self._pack = _Pack(shards, block_size, cluster)

    # What happens ---------------------------------------------------------------------------------------------------

    def feed(self, traces: Iterable[Trace | HeaderLink]) -> None:
        """One bundle of input; its packs wait to be delivered."""
        self._pack.start_bundle()
        outputs = list(self._pack.process(Traces(traces)))  # type: ignore[arg-type]  # links are routed alike
        for output in [*outputs, *self._pack.finish_bundle()]:
            if not isinstance(output, pvalue.TaggedOutput):
                self.counts["emitted"] += len(output.value)
                self.written(output.value)
            elif output.tag == FINDINGS:
                self.found([output.value.value])
            else:
                key, pack = output.value.value
                kind, own_key = (JOIN, key) if output.tag == JOIN else kind_and_key(key)
                self.pending.append((kind, own_key, pack))

    def deliver(self) -> None:
        """Deliver what waits, upstream first."""
        while self.pending:
            waiting, self.pending = sorted(self.pending, key=lambda each: RANKS[each[0]]), []
            rank = RANKS[waiting[0][0]]
            for kind, key, pack in waiting:
                if RANKS[kind] == rank:
                    self.take(kind, key, pack)
                else:
                    self.pending.append((kind, key, pack))
            self.send()

    def pass_time(self, now: int) -> None:
        """Event time reaches `now` (ms): timers fire, the earliest first, upstream first."""
        self.now = max(self.now, now)
        while due := [address for address, deadline in self.due.items() if deadline <= self.now]:
            first = min(due, key=lambda address: (self.due[address], RANKS[address[0]], address))
            self.fire(*first, self.due.pop(first))
            self.send()
            self.deliver()

    def take(self, kind: str, key: bytes, pack: bytes) -> None:
        """A pack reaches a view."""
        self.on_view(kind, key, lambda journaled, bag: journaled.on_facts(bag, pack))

    def fire(self, kind: str, key: bytes, fired: int) -> None:
        """The timer of a view fires."""
        self.on_view(kind, key, lambda journaled, bag: journaled.on_time(bag, fired))

    def on_view(self, kind: str, key: bytes, act: Act) -> None:
        """Do something to a view, and what follows from it."""
        bag = self.bags[kind, key]
        journaled, _ = self.open(kind, key)
        outputs = act(journaled, bag)
        self.close(kind, key, journaled, outputs)

    def open(self, kind: str, key: bytes) -> tuple[JournaledView, bool]:
        """The view of an address, and whether it had to be rebuilt."""
        return JournaledView.open(self.bags[kind, key], partial(self.make[kind], key))

    def close(self, kind: str, key: bytes, journaled: JournaledView, outputs: Outputs) -> None:
        """Keep the journal short and the timer right, and send what the view gave where it belongs."""
        journaled.rewrite(self.bags[kind, key], is_quiet=outputs.is_quiet)
        self.due.pop((kind, key), None)
        if (deadline := journaled.view.deadline()) is not None:
            self.due[kind, key] = deadline
        self.counts += outputs.counts
        self.emit(kind, outputs)

    def emit(self, _kind: str, outputs: Outputs) -> None:
        """What a view gave goes where it belongs."""
        self.found(outputs.findings)
        self.written(outputs.records)
        for destination, key, _, fact in outputs.facts:
            if destination in self.make:
                self._gathered[destination, key].append(fact)
            else:
                self.spare(destination, key, fact)

    def send(self) -> None:
        """What the views of a bundle gave for others is on its way, one pack for each key."""
        self.pending += [(kind, key, pack_of(facts)) for (kind, key), facts in self._gathered.items()]
        self._gathered = defaultdict(list)

    # What comes of it: for those who drive it -----------------------------------------------------------------------

    def new_bag(self) -> MemoryBag:
        """The state of a key."""
        return MemoryBag()

    def written(self, records: list[KeyValue]) -> None:
        """Records of the aggregated topic."""

    def found(self, findings: list[Finding]) -> None:
        """Findings."""
        self.findings += findings

    def spare(self, destination: str, key: bytes, fact: Any) -> None:
        """A fact for a kind of view that does not take part."""
