"""A run of the views and the router without Beam: any order, any batches, any restore, any timer order."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from operator import add, or_
from random import Random
from typing import Any, NamedTuple
from unittest.mock import patch

import orjson

from bench.engine import RANKS, Engine, MemoryBag, join_views
from tests.reference_tallies import TallyKey
from transforms.join import block_view
from transforms.locate import shard_sends
from transforms.state import journal
from transforms.state.addresses import LIMIT, STATS
from transforms.state.journal import JournaledView, SegmentCoder
from transforms.state.view import Outputs
from transforms.state.waits import Waits
from transforms.stats.latency_sketch import LatencySketch
from transforms.stats.stats_facts import GroupTallied, GroupTally, StatsFact, TopicTallied, TopicTally

Record = tuple[dict[str, Any], dict[str, Any]]
_MERGE = {"low": min, "high": max, "commitsSeen": or_}


class ForgetfulBag(MemoryBag):
    """`forget` is what a restore does: other objects, in any order."""

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


class PureRun(Engine):
    """The whole join. Feed items, deliver packs, let time pass, finish; then look at `records` and `findings`."""

    bags: dict[tuple[str, bytes], ForgetfulBag]

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
        views = join_views(waits or Waits(), limit=limit, block_size=block_size, cluster=cluster, exact=exact)
        super().__init__(views, shards=shards, block_size=block_size, cluster=cluster)
        self.random = random or Random(0)  # noqa: S311  repeatable
        self.restores = restores
        self._restoring = Random(1)  # noqa: S311  its own: with and without restores the rest is the same
        self.records: list[Record] = []
        self.tallies: list[tuple[bytes, Any]] = []
        self.rebuilt = 0

    # What happens ---------------------------------------------------------------------------------------------------

    def deliver(self, *, some: bool = False) -> None:
        """Deliver what waits: all, first to first, or some of it in any order."""
        while self.pending:
            if some and self.random.random() < 0.1:
                return
            index = self._any() if some else min(range(len(self.pending)), key=self._rank)
            self.take(*self.pending.pop(index))

    def _rank(self, index: int) -> int:
        return RANKS[self.pending[index][0]]

    def _any(self) -> int:
        """Any pack that waits; of findings the first for its key, since those of one view come in order."""
        index = self.random.randrange(len(self.pending))
        address = self.pending[index][:2]
        if address[0] != LIMIT:
            return index
        return next(first for first, waiting in enumerate(self.pending) if waiting[:2] == address)

    def pass_time(self, now: int, *, orderly: bool = True) -> None:
        """The watermark reaches `now` (ms): timers fire, upstream first; not `orderly`: any first, no deliveries."""
        if orderly:
            super().pass_time(now)
            return
        self.now = max(self.now, now)
        while due := [address for address, deadline in self.due.items() if deadline <= self.now]:
            first = self.random.choice(due)
            self.fire(*first, self.due.pop(first))

    def finish(self) -> None:
        """No more input: all is delivered, and every wait ends."""
        self.deliver()
        while self.due:
            self.pass_time(max(self.now, min(self.due.values())))
        assert not any(bag.segments for bag in self.bags.values()), "state is left after retention"

    def open(self, kind: str, key: bytes) -> tuple[JournaledView, bool]:
        if self._restoring.random() < self.restores:
            self.bags[kind, key].forget(self._restoring)
        journaled, rebuilt = super().open(kind, key)
        self.rebuilt += rebuilt
        return journaled, rebuilt

    def emit(self, kind: str, outputs: Outputs) -> None:
        super().emit(kind, outputs)
        self.send()

    def new_bag(self) -> ForgetfulBag:
        return ForgetfulBag()

    def written(self, records: Iterable[tuple[bytes, bytes]]) -> None:
        self.records += [(orjson.loads(key), orjson.loads(value)) for key, value in records]

    def spare(self, destination: str, key: bytes, fact: Any) -> None:
        assert destination == STATS
        self.tally(key, fact)

    def tally(self, key: bytes, fact: Any) -> None:
        """Something for the statistics."""
        self.tallies.append((key, fact))

    # Failures -------------------------------------------------------------------------------------------------------

    def checkpoint(self) -> Checkpoint:
        """All state, as bytes."""
        encode_one = SegmentCoder().encode
        segments = {address: [encode_one(one) for one in bag.segments] for address, bag in self.bags.items()}
        return Checkpoint(segments, dict(self.due), list(self.pending), self.counts.copy(), self.now)

    def restore(self, checkpoint: Checkpoint) -> None:
        """A failure: state is what it was then."""
        coder = SegmentCoder()
        self.bags = defaultdict(ForgetfulBag)
        for address, segments in checkpoint.segments.items():
            self.bags[address].segments = [coder.decode(segment) for segment in segments]
            self.bags[address].forget(self.random)
        self.due, self.pending = dict(checkpoint.due), list(checkpoint.pending)
        self.counts, self.now = checkpoint.counts.copy(), checkpoint.now

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
