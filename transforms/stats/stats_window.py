"""WindowStats: what is counted of the messages of one topic that were produced in one minute.

In: tallies of blocks, counts of open findings, tallies of hops into this topic; each replaces its source's former one.
Out: the fields of the records `topic`, `group` and `edge`.
"""

from collections import Counter
from typing import Any, Final

from msgspec import Raw, Struct, msgpack

from transforms.input.dates import date_of
from transforms.stats.stats_facts import (
    BlockPlace,
    EdgeTallied,
    EdgeTally,
    GroupTallied,
    GroupTally,
    TopicTallied,
    TopicTally,
    WindowFact,
)
from transforms.stats.stats_totals import Origin, Totals

#: Whose record it is: `("topic",)`, `("group", group)`, `("edge", from topic, group)`.
Subject = tuple[str, ...]
_TOPIC: Subject = ("topic",)
_TALLIES: Final[dict[str, type[Any]]] = {"topic": TopicTally, "group": GroupTally, "edge": EdgeTally}


class _Snapshot(Struct, array_like=True, gc=False):
    tallies: list[tuple[Subject, Origin, Raw]]
    verdicts: list[tuple[str | None, dict[str, int]]]


_save = msgpack.Encoder().encode
_load = msgpack.Decoder(_Snapshot).decode


class WindowStats:
    """See the head of this file. `changed` are the subjects whose records are to be written again."""

    def __init__(self, topic: str, start: int) -> None:
        self.changed: set[Subject] = set()
        self._topic = topic
        self._start = date_of(start)
        self._totals: dict[Subject, Totals[Any]] = {}
        #: Lowest and highest offset of each block.
        self._spans: dict[BlockPlace, tuple[int, int]] = {}
        self._verdicts: dict[str | None, Counter[str]] = {}

    def take(self, fact: WindowFact) -> None:
        """Take in a fact."""
        if isinstance(fact, TopicTallied):
            self._replace(_TOPIC, fact.place, fact.tally)
            self._span(fact.place, fact.tally)
        elif isinstance(fact, GroupTallied):
            self._replace(("group", fact.group_id), fact.place, fact.tally)
        elif isinstance(fact, EdgeTallied):
            self._replace(("edge", fact.from_topic, fact.group_id), fact.shard, fact.tally)
        else:
            self._count(fact.reason, fact.group_id, fact.count)

    def subjects(self) -> list[Subject]:
        """All that there is a record of."""
        groups: list[Subject] = [("group", group) for group in self._groups()]
        edges = sorted(subject for subject in self._totals if subject[0] == "edge")
        has_topic = groups or _TOPIC in self._totals or self._verdicts
        return [*([_TOPIC] if has_topic else []), *groups, *edges]

    def key(self, subject: Subject) -> dict[str, Any]:
        """The fields by which the record of a subject is found."""
        if subject[0] == "edge":
            _, origin, group = subject
            return {"fromTopic": origin, "groupId": group, "toTopic": self._topic, "windowStart": self._start}
        group_id = {"groupId": subject[1]} if subject[0] == "group" else {}
        return {"topic": self._topic, **group_id, "windowStart": self._start}

    def facts_of(self, subject: Subject) -> dict[str, Any]:
        """The fields of the record of a subject; what is unknown, or of no message, is left out."""
        kind = subject[0]
        totals = self._totals.get(subject)
        total = _TALLIES[kind]() if totals is None else totals.sum()
        if kind == "topic":
            facts = self._topic_facts(total)
        elif kind == "group":
            facts = self._group_facts(total, subject[1], is_tallied=totals is not None)
        else:
            facts = _edge_facts(total)
        return {name: fact for name, fact in facts.items() if fact is not None}

    def snapshot(self) -> bytes:
        """All of it but what has changed."""
        tallies = [(subject, *part) for subject, totals in self._totals.items() for part in totals.parts()]
        return _save(_Snapshot(tallies, [(group, dict(verdicts)) for group, verdicts in self._verdicts.items()]))

    def restore(self, snapshot: bytes) -> None:
        """Be what a snapshot says."""
        saved = _load(snapshot)
        for subject, origin, part in saved.tallies:
            tally = self._totals_of(subject).restore(origin, part)
            if isinstance(tally, TopicTally) and isinstance(origin, BlockPlace):
                self._span(origin, tally)
        self._verdicts = {group: Counter(verdicts) for group, verdicts in saved.verdicts}

    def size(self) -> int:
        """Rough size in memory, in bytes."""
        return sum(totals.size() for totals in self._totals.values()) + 100 * len(self._spans)

    def _totals_of(self, subject: Subject) -> Totals[Any]:
        totals = self._totals.get(subject)
        if totals is None:
            totals = self._totals[subject] = Totals(_TALLIES[subject[0]])
        return totals

    def _replace(self, subject: Subject, origin: Origin, tally: Struct | None) -> None:
        is_new = subject not in self._totals
        totals = self._totals_of(subject)
        if totals.replace(origin, tally):
            self.changed.add(subject)
            if subject[0] == "group" and (is_new or not totals):
                self.changed.add(_TOPIC)  # it names its groups
        if not totals:
            del self._totals[subject]

    def _count(self, reason: str, group: str | None, count: int) -> None:
        verdicts = self._verdicts.setdefault(group, Counter())
        if verdicts[reason] != count:
            self.changed |= {_TOPIC} if group is None else {_TOPIC, ("group", group)}
        verdicts[reason] = count
        if not count:
            del verdicts[reason]
        if not verdicts:
            del self._verdicts[group]

    def _span(self, place: BlockPlace, tally: TopicTally | None) -> None:
        if tally is None or tally.span is None:
            self._spans.pop(place, None)
        else:
            self._spans[place] = tally.span

    def _groups(self) -> list[str]:
        tallied = {subject[1] for subject in self._totals if subject[0] == "group"}
        return sorted(tallied | {group for group in self._verdicts if group is not None})

    def _topic_facts(self, total: TopicTally) -> dict[str, Any]:
        verdicts = sum(self._verdicts.values(), Counter[str]())
        return {
            "produced": total.produced,
            "sent": total.sent,
            "acked": total.acked,
            "unknownProduceTime": total.unknown_produce_time,
            "coverage": self._coverage(total.traced),
            "ackLatencyMs": total.ack.summary(),
            "verdicts": dict(sorted(verdicts.items())),
            "groups": self._groups(),
        }

    def _group_facts(self, total: GroupTally, group: str, *, is_tallied: bool) -> dict[str, Any]:
        return {
            "expected": total.expected,
            "actual": total.actual,
            "over": total.over,
            "under": total.under,
            "committed": total.committed,
            "slaBreaches": total.sla_breaches,
            "commits": "none seen" if is_tallied and not total.commits_seen else None,
            "consumeLatencyMs": total.consume.summary(),
            "commitLatencyMs": total.commit.summary(),
            "verdicts": dict(sorted(self._verdicts.get(group, {}).items())),
        }

    def _coverage(self, traced: int) -> dict[str, Any] | None:
        """How many messages were traced by their producer, of the offsets that the topic advanced; None if unknown."""
        partitions: dict[int, tuple[int, int]] = {}
        for place, (low, high) in self._spans.items():
            lowest, highest = partitions.get(place.partition, (low, high))
            partitions[place.partition] = min(low, lowest), max(high, highest)
        offsets = sum(high - low + 1 for low, high in partitions.values())
        return {"traced": traced, "offsets": offsets, "ratio": round(traced / offsets, 4)} if offsets else None


def _edge_facts(total: EdgeTally) -> dict[str, Any]:
    return {
        "count": total.count,
        "ambiguous": total.ambiguous or None,
        "residenceMs": total.residence.summary(),
        "fromOriginMs": total.from_origin.summary(),
    }
