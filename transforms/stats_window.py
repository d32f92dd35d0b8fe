"""WindowStats: what is counted of the messages of one topic that were produced in one minute.

In: tallies of blocks, counts of open findings, tallies of hops into this topic; each replaces its source's former one.
Out: the fields of the records `topic`, `group` and `edge`.
"""

from collections import Counter
from collections.abc import Iterator
from typing import Any

from transforms.dates import date_of
from transforms.packs import Event
from transforms.stats_totals import Tally, Totals

#: Kinds of events: `("T", partition, block, tally)`, `("G", partition, block, group, tally)`,
#: `("F", reason, group, count)`, `("P", source, from topic, group, tally)`. A tally that is null withdraws the former.
TOPIC_TALLY = "T"
GROUP_TALLY = "G"
FINDINGS_COUNT = "F"
EDGE_TALLY = "P"
#: How many items each has.
LENGTHS = {TOPIC_TALLY: 4, GROUP_TALLY: 5, FINDINGS_COUNT: 4, EDGE_TALLY: 5}

#: Whose record it is: `("topic",)`, `("group", group)`, `("edge", from topic, group)`.
Subject = tuple[str, ...]
_TOPIC: Subject = ("topic",)

_TOPIC_COUNTS = ("produced", "sent", "acked", "unknownProduceTime")
_GROUP_COUNTS = ("expected", "actual", "over", "under", "committed", "slaBreaches")


class WindowStats:
    """See the head of this file. `changed` are the subjects whose records are to be written again."""

    def __init__(self, topic: str, start: int) -> None:
        self.changed: set[Subject] = set()
        self._topic = topic
        self._start = date_of(start)
        self._totals: dict[Subject, Totals] = {}
        #: Lowest and highest offset by partition and block.
        self._spans: dict[tuple[int, int], tuple[int, int]] = {}
        self._verdicts: dict[str | None, Counter[str]] = {}

    def take(self, event: list[Any]) -> None:
        """Take in an event of one of the kinds above."""
        kind = event[0]
        if kind == TOPIC_TALLY:
            _, partition, block, tally = event[:4]
            self._replace(_TOPIC, (partition, block), tally)
            self._span((partition, block), tally)
        elif kind == GROUP_TALLY:
            _, partition, block, group, tally = event[:5]
            self._replace(("group", group), (partition, block), tally)
        elif kind == EDGE_TALLY:
            _, source, origin, group, tally = event[:5]
            self._replace(("edge", origin, group), (source,), tally)
        else:
            _, reason, group, count = event[:4]
            self._count(reason, group, count)

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
        totals = self._totals.get(subject, Totals())
        if subject == _TOPIC:
            facts = self._topic_facts(totals)
        elif subject[0] == "group":
            facts = self._group_facts(totals, subject[1])
        else:
            facts = _edge_facts(totals)
        return {name: fact for name, fact in facts.items() if fact is not None}

    def snapshot(self) -> Iterator[Event]:
        """Events that build this again."""
        for (kind, *names), totals in self._totals.items():
            for source, tally in totals.parts():
                if kind == "topic":
                    yield TOPIC_TALLY, *source, tally
                elif kind == "group":
                    yield GROUP_TALLY, *source, *names, tally
                else:
                    yield EDGE_TALLY, *source, *names, tally
        for group, verdicts in self._verdicts.items():
            for reason, count in verdicts.items():
                yield FINDINGS_COUNT, reason, group, count

    def size(self) -> int:
        """Rough size in memory, in bytes."""
        return sum(totals.size() for totals in self._totals.values()) + 100 * len(self._spans)

    def _replace(self, subject: Subject, source: tuple[Any, ...], tally: Tally | None) -> None:
        totals = self._totals.get(subject)
        is_new = totals is None
        if totals is None:
            totals = self._totals[subject] = Totals()
        if totals.replace(source, tally):
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

    def _span(self, source: tuple[int, int], tally: Tally | None) -> None:
        if tally is None or tally.get("low") is None:
            self._spans.pop(source, None)
        else:
            self._spans[source] = tally["low"], tally["high"]

    def _groups(self) -> list[str]:
        tallied = {subject[1] for subject in self._totals if subject[0] == "group"}
        return sorted(tallied | {group for group in self._verdicts if group is not None})

    def _topic_facts(self, totals: Totals) -> dict[str, Any]:
        verdicts = sum(self._verdicts.values(), Counter[str]())
        return {
            **{name: totals[name] for name in _TOPIC_COUNTS},
            "coverage": self._coverage(totals["traced"]),
            "ackLatencyMs": totals.summary("ack"),
            "verdicts": dict(sorted(verdicts.items())),
            "groups": self._groups(),
        }

    def _group_facts(self, totals: Totals, group: str) -> dict[str, Any]:
        return {
            **{name: totals[name] for name in _GROUP_COUNTS},
            "commits": "none seen" if totals and not totals["commitsSeen"] else None,
            "consumeLatencyMs": totals.summary("consume"),
            "commitLatencyMs": totals.summary("commit"),
            "verdicts": dict(sorted(self._verdicts.get(group, {}).items())),
        }

    def _coverage(self, traced: int) -> dict[str, Any] | None:
        """How many messages were traced by their producer, of the offsets that the topic advanced; None if unknown."""
        partitions: dict[int, tuple[int, int]] = {}
        for (partition, _), (low, high) in self._spans.items():
            lowest, highest = partitions.get(partition, (low, high))
            partitions[partition] = min(low, lowest), max(high, highest)
        offsets = sum(high - low + 1 for low, high in partitions.values())
        return {"traced": traced, "offsets": offsets, "ratio": round(traced / offsets, 4)} if offsets else None


def _edge_facts(totals: Totals) -> dict[str, Any]:
    return {
        "count": totals["count"],
        "ambiguous": totals["ambiguous"] or None,
        "residenceMs": totals.summary("residence"),
        "fromOriginMs": totals.summary("fromOrigin"),
    }
