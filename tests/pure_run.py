"""A run of the views and the router without Beam: any order, any batches, any restore, any timer order."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from operator import add, or_
from random import Random
from typing import Any, NamedTuple
from unittest.mock import patch

import orjson
from apache_beam import pvalue

from tests.histories import Item
from tests.reference_tallies import TallyKey
from transforms import block_view, journal, shard_sends
from transforms.addresses import FOLLOW, JOIN, LIMIT, LOCATE, ORDER, PRODUCE, STATS, kind_and_key
from transforms.block_view import BlockView
from transforms.commits_view import CommitsView
from transforms.findings import Finding
from transforms.followers_view import FollowersView
from transforms.journal import JournaledView, Segment, SegmentCoder
from transforms.keep_view import FINDINGS
from transforms.latency_sketch import LatencySketch
from transforms.pack_by_key import _Pack
from transforms.packs import pack_of
from transforms.producers_view import ProducersView
from transforms.sends_view import SendsView
from transforms.stats_facts import GroupTallied, GroupTally, StatsFact, TopicTallied, TopicTally
from transforms.view import Outputs
from transforms.waits import Waits

Record = tuple[dict[str, Any], dict[str, Any]]
_MERGE = {"low": min, "high": max, "commitsSeen": or_}


class MemoryBag:
    """A bag of segments in memory. `forget` is what a restore does: other objects, in any order."""

    def __init__(self) -> None:
        self.segments: list[Segment] = []

    def read(self) -> list[Segment]:
        return list(self.segments)

    def add(self, value: Segment) -> None:
        self.segments.append(value)

    def clear(self) -> None:
        self.segments = []

    def forget(self, random: Random) -> None:
        coder = SegmentCoder()
        self.segments = [coder.decode(coder.encode(segment)) for segment in self.segments]
        random.shuffle(self.segments)


class Checkpoint(NamedTuple):
    """What a runner restores after a failure; what was written since is written still."""

    segments: dict[tuple[str, bytes], list[bytes]]
    due: dict[tuple[str, bytes], int]
    pending: list[tuple[str, bytes, bytes]]
    counts: Counter[str]
    now: int


#: Views in the order in which facts go through them.
_RANKS = {LOCATE: 0, ORDER: 0, FOLLOW: 0, PRODUCE: 0, JOIN: 1, LIMIT: 2, STATS: 3}


class PureRun:
    """The whole join. Feed items, deliver packs, let time pass, finish; then look at `records` and `findings`."""

    def __init__(
        self,
        *,
        block_size: int = 4,
        shards: int = 2,
        waits: Waits | None = None,
        exact: bool = False,
        limit: int = 100_000,
        cluster: str = "",
        random: Random | None = None,
        restores: float = 0.0,
    ) -> None:
        self.random = random or Random(0)  # noqa: S311  repeatable
        self.restores = restores
        self._restoring = Random(1)  # noqa: S311  its own: with and without restores the rest is the same
        self.records: list[Record] = []
        self.findings: list[Finding] = []
        self.tallies: list[tuple[bytes, Any]] = []
        self.counts: Counter[str] = Counter()
        self.rebuilt = 0
        self.now = -1
        self._pack = _Pack(shards, block_size, cluster)
        common: dict[str, Any] = {"waits": waits or Waits(), "limit": limit, "cluster": cluster}
        self._make = {
            LOCATE: partial(SendsView, block_size=block_size, **common),
            ORDER: partial(CommitsView, block_size=block_size, **common),
            FOLLOW: partial(FollowersView, block_size=block_size, **common),
            PRODUCE: partial(ProducersView, block_size=block_size, **common),
            JOIN: partial(BlockView, block_size=block_size, exact=exact, **common),
        }
        self._bags: dict[tuple[str, bytes], MemoryBag] = defaultdict(MemoryBag)
        self._due: dict[tuple[str, bytes], int] = {}
        self.pending: list[tuple[str, bytes, bytes]] = []

    # What happens ---------------------------------------------------------------------------------------------------

    def feed(self, items: Iterable[Item]) -> None:
        """One bundle of input; its packs wait to be delivered."""
        self._pack.start_bundle()
        outputs = list(self._pack.process(list(items)))
        for output in [*outputs, *self._pack.finish_bundle()]:
            if not isinstance(output, pvalue.TaggedOutput):
                self.counts["emitted"] += len(output.value)
                for record in output.value:
                    self._record(record)
            elif output.tag == FINDINGS:
                self._find([output.value.value])
            else:
                self._await(output.tag, *output.value.value)

    def _await(self, destination: str, key: bytes, pack: bytes) -> None:
        """A pack waits to be delivered to a view: of a block, or of one of the kinds of PlaceFacts."""
        kind, own_key = (JOIN, key) if destination == JOIN else kind_and_key(key)
        self.pending.append((kind, own_key, pack))

    def deliver(self, *, some: bool = False) -> None:
        """Deliver what waits: all, first to first, or some of it in any order."""
        while self.pending:
            if some and self.random.random() < 0.1:
                return
            index = self._any() if some else min(range(len(self.pending)), key=self._rank)
            step, key, pack = self.pending.pop(index)
            self.absorb(step, key, pack)

    def _rank(self, index: int) -> int:
        return _RANKS[self.pending[index][0]]

    def _any(self) -> int:
        """Any pack that waits; of findings the first for its key, since those of one view come in order."""
        index = self.random.randrange(len(self.pending))
        address = self.pending[index][:2]
        if address[0] != LIMIT:
            return index
        return next(first for first, waiting in enumerate(self.pending) if waiting[:2] == address)

    def pass_time(self, now: int, *, orderly: bool = True) -> None:
        """The watermark reaches `now` (ms): timers fire, upstream first; not `orderly`: any first, no deliveries."""
        self.now = max(self.now, now)
        while due := [address for address, deadline in self._due.items() if deadline <= self.now]:
            if orderly:
                first = min(due, key=lambda address: (self._due[address], _RANKS[address[0]], address))
            else:
                first = self.random.choice(due)
            fired = self._due.pop(first)
            self.expire(*first, fired)
            if orderly:
                self.deliver()

    def finish(self) -> None:
        """No more input: all is delivered, and every wait ends."""
        self.deliver()
        while self._due:
            self.pass_time(max(self.now, min(self._due.values())))
        assert not any(bag.segments for bag in self._bags.values()), "state is left after retention"

    def absorb(self, step: str, key: bytes, pack: bytes) -> None:
        """A pack reaches a view."""
        self._on_view(step, key, lambda journaled, bag: journaled.on_facts(bag, pack))

    def expire(self, step: str, key: bytes, fired: int) -> None:
        """The timer of a view fires."""
        self._on_view(step, key, lambda journaled, bag: journaled.on_time(bag, fired))

    def _on_view(self, step: str, key: bytes, act: Any) -> None:
        bag = self._bags[step, key]
        if self._restoring.random() < self.restores:
            bag.forget(self._restoring)
        journaled, rebuilt = JournaledView.open(bag, partial(self._make[step], key))
        self.rebuilt += rebuilt
        outputs: Outputs = act(journaled, bag)
        journaled.rewrite(bag, is_quiet=outputs.is_quiet)
        self._arm(step, key, journaled.view.deadline())
        self.counts += outputs.counts
        self._emit(step, outputs)

    def _arm(self, step: str, key: bytes, deadline: int | None) -> None:
        self._due.pop((step, key), None)
        if deadline is not None:
            self._due[step, key] = deadline

    def _emit(self, _step: str, outputs: Outputs) -> None:
        """What a view gave goes where it belongs."""
        self._find(outputs.findings)
        for record in outputs.records:
            self._record(record)
        batches: dict[bytes, list[Any]] = defaultdict(list)
        for destination, address, _, event in outputs.facts:
            if destination == STATS:
                self._tally(address, event)
            else:
                batches[address].append(event)
        self.pending += [(JOIN, key, pack_of(events)) for key, events in batches.items()]

    def _find(self, findings: list[Finding]) -> None:
        self.findings += findings

    def _tally(self, key: bytes, event: Any) -> None:
        self.tallies.append((key, event))

    # Failures -------------------------------------------------------------------------------------------------------

    def checkpoint(self) -> Checkpoint:
        """All state, as bytes."""
        encode_one = SegmentCoder().encode
        segments = {address: [encode_one(one) for one in bag.segments] for address, bag in self._bags.items()}
        return Checkpoint(segments, dict(self._due), list(self.pending), self.counts.copy(), self.now)

    def restore(self, checkpoint: Checkpoint) -> None:
        """A failure: state is what it was then."""
        coder = SegmentCoder()
        self._bags = defaultdict(MemoryBag)
        for address, segments in checkpoint.segments.items():
            self._bags[address].segments = [coder.decode(segment) for segment in segments]
            self._bags[address].forget(self.random)
        self._due, self.pending = dict(checkpoint.due), list(checkpoint.pending)
        self.counts, self.now = checkpoint.counts.copy(), checkpoint.now

    def _record(self, record: tuple[bytes, bytes]) -> None:
        self.records.append((orjson.loads(record[0]), orjson.loads(record[1])))

    # What remains ---------------------------------------------------------------------------------------------------

    def final_records(self) -> dict[str, Record]:
        """Per id the highest revision, withdrawn ones left out."""
        return final_records(self.records)

    def final_findings(self, end: int | None = None) -> dict[str, dict[str, Any]]:
        """Per id the last one, resolved ones left out; with `end` (ms), ripe ones only."""
        last = {found.id: found for found in self.findings}
        return final_findings(
            found.value for found in last.values() if end is None or found.deadline is None or found.deadline <= end
        )

    def final_tallies(self) -> dict[TallyKey, dict[str, Any]]:
        """The last tallies, those of all blocks of a partition together; sketches as `LatencySketch`."""
        return final_tallies(self.tallies)


def final_records(records: Iterable[Record]) -> dict[str, Record]:
    """See PureRun.final_records."""
    best: dict[str, Record] = {}
    for key, value in records:
        known = best.get(value["id"])
        revision = value.get("revision", 1)
        if known is None or revision > known[1].get("revision", 1):
            best[value["id"]] = key, value
        elif revision == known[1].get("revision", 1) and value["type"] == "COMMIT":
            assert known == (key, value), f"two records {value['id']} of revision {revision}"
    return {
        identity: (key, {name: fact for name, fact in value.items() if name != "revision"})
        for identity, (key, value) in best.items()
        if "withdrawn" not in value
    }


def final_findings(values: Iterable[bytes]) -> dict[str, dict[str, Any]]:
    """See PureRun.final_findings."""
    last: dict[str, dict[str, Any]] = {}
    for found in values:
        value = orjson.loads(found)
        last[value["id"]] = value
    return {identity: value for identity, value in last.items() if "resolved" not in value}


def final_tallies(facts: Iterable[tuple[bytes, StatsFact]]) -> dict[TallyKey, dict[str, Any]]:
    """See PureRun.final_tallies."""
    last: dict[tuple[Any, ...], TopicTallied | GroupTallied] = {}
    for key, fact in facts:
        if isinstance(fact, TopicTallied | GroupTallied):
            _, topic, window = orjson.loads(key)
            group = fact.group_id if isinstance(fact, GroupTallied) else None
            place = (topic, fact.place.partition, group, window, fact.place.block)
            if place not in last or last[place].sequence < fact.sequence:
                last[place] = fact
    merged: dict[TallyKey, dict[str, Any]] = defaultdict(dict)
    for (*where, _), told in last.items():
        for name, value in _counts(told.tally).items():
            whole = merged[tuple(where)]
            if isinstance(value, LatencySketch):
                whole.setdefault(name, LatencySketch()).merge(value)
            elif name in whole:
                whole[name] = _MERGE.get(name, add)(whole[name], value)
            else:
                whole[name] = value
    return dict(merged)


def _counts(tally: TopicTally | GroupTally | None) -> dict[str, Any]:
    """The fields of a tally by the names of the reference."""
    if tally is None:
        return {}
    counts = {_camel(name): getattr(tally, name) for name in tally.__struct_fields__}
    span = counts.pop("span", None)
    return counts if span is None else counts | {"low": span[0], "high": span[1]}


def _camel(name: str) -> str:
    first, *others = name.split("_")
    return "".join([first, *map(str.capitalize, others)])


@contextmanager
def small_journals() -> Iterator[None]:
    """Journals are rewritten as snapshots after a few events, and flights are kept cold as soon as they are quiet."""
    with (
        patch.multiple(journal, MIN_REWRITE_BYTES=200, MAX_SEGMENTS=5),
        patch.multiple(block_view, QUIET=1000),
        patch.multiple(shard_sends, QUIET=0, COOLING_GRAIN=1000),
    ):
        yield
