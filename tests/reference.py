"""The reference: the final outputs of a whole history, worked out at once, slowly and obviously.

It follows the text of the semantics and shares no code with the views: no keys, no blocks, no order of arrival. The few
things that it must know of blocks are what one is told of groups (see `History.expects` and `History.passed_at`).
"""

from collections import defaultdict
from collections.abc import Iterable
from typing import Any, NamedTuple

from tests.reference_history import (
    ONE_BLOCK,
    History,
    Message,
    has_no_place,
    is_surely_before,
    millis_between,
    nanos,
    position,
)
from tests.reference_stats import StatsKey, skews
from tests.reference_tallies import Tally, TallyKey, tallies
from tests.reference_verdicts import Wrong, wrongs
from transforms.input.records import HeaderLink
from transforms.input.traces import Commit, Consume, Trace
from transforms.state.waits import Waits


class Expected(NamedTuple):
    """Per id: (key, value without revision) of every record, and every open finding; the tallies of windows; clocks."""

    records: dict[str, tuple[dict[str, Any], dict[str, Any]]]
    findings: dict[str, dict[str, Any]]
    tallies: dict[TallyKey, Tally]
    skews: dict[StatsKey, dict[str, Any]]
    #: By the id of a finding the time (ms) that has to pass before; None: none.
    deadlines: dict[str, int | None]

    def ripe(self, end: int) -> dict[str, dict[str, Any]]:
        """The findings whose deadline does not lie after `end` (ms)."""
        deadlines = self.deadlines
        return {
            identity: value for identity, value in self.findings.items() if (deadlines[identity] or 0) <= end
        }  # fmt: skip


def expected(
    items: Iterable[Trace | HeaderLink],
    *,
    block_size: int = ONE_BLOCK,
    exact: bool = False,
    waits: Waits | None = None,
    cluster: str = "",
    end: int | None = None,
    read_topics: tuple[str, ...] = (),
) -> Expected:
    """What remains when all is over. With `end` (ms), findings whose deadline lies after it are left out."""
    waits = waits or Waits()
    history = History(items, block_size, exact=exact)
    records = _Records(cluster)
    _write_messages(history, records)
    found = [*wrongs(history, waits, read_topics), *_write_commits(history, records, waits)]
    findings = {value["id"]: value for value in (wrong.record(cluster) for wrong in found)}
    deadlines = {f"{wrong.reason}:{wrong.subject}": wrong.deadline for wrong in found}
    whole = Expected(records.written, findings, tallies(history, waits), skews(history, waits), deadlines)
    return whole if end is None else whole._replace(findings=whole.ripe(end))


class _Records:
    """Aggregated records, by id."""

    def __init__(self, cluster: str) -> None:
        self.written: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {}
        self._cluster = cluster

    def write(self, trace: Trace, place: tuple[int, int] | None, identity: str | None = None, **fields: Any) -> None:
        where: dict[str, Any] = {"topic": trace.topic}
        if place is not None:
            where |= {"partition": place[0], "offset": place[1]}
        key = where if place is not None else {**where, "correlationId": trace.correlation_id}
        group = trace.group_id if isinstance(trace, Consume | Commit) else None
        if isinstance(trace, Commit):
            key = {**where, "groupId": group}
        fields = {"groupId": group, "cluster": self._cluster or None, **fields}
        value = {"id": identity or trace.id, "date": trace.date, "type": trace.type, "clientId": trace.client_id}
        value |= where | {name: fact for name, fact in fields.items() if fact is not None}
        self.written[value["id"]] = key, {**(trace.extra or {}), **value}


def _write_messages(history: History, records: _Records) -> None:
    for send in history.sends:
        records.write(send, history.places.get(send.id), correlationId=send.correlation_id)
    for ack in history.acks:
        place = (ack.partition, ack.offset)
        if has_no_place(ack):
            records.write(ack, place, correlationId=ack.correlation_id)
            continue
        [message] = [life for life in history.messages[position(ack)].lives if ack in life.acks]
        records.write(ack, place, correlationId=message.correlation, durationMs=_duration(message, ack))
    for message in history.lives():
        for reads in message.reads.values():
            for count, read in enumerate(reads, start=1):
                records.write(
                    read, (read.partition, read.offset), correlationId=read.correlation_id,
                    durationMs=_duration(message, read), deliveryCount=count,
                )  # fmt: skip


def _write_commits(history: History, records: _Records, waits: Waits) -> list[Wrong]:
    """Write the records of all commits; what is wrong with their sequences."""
    found: list[Wrong] = []
    sequences: dict[tuple[str | None, str, int], list[Trace]] = defaultdict(list)
    for commit in history.commits:
        sequences[commit.group_id, commit.topic, commit.partition].append(commit)
    for (group, topic, partition), commits in sequences.items():
        reads, _ = history.facts_of(str(group), topic, partition)
        settled: dict[str, dict[int, Trace]] = {commit.id: {} for commit in commits}
        for read in reads:
            by = history.settling(read)
            if by is not None:
                settled[by.id][read.offset] = read
        for before, commit in zip([None, *commits], commits, strict=False):
            start = None if before is None else before.offset
            went_back_from = _went_back_from(commit, commits[: commits.index(commit)], waits.commit_reorder)
            found += _sequence(commit, start, went_back_from, history.block_size)
            if commit.offset == -1:
                records.write(commit, (partition, -1))
                continue
            own = commit.offset
            for offset, last in settled[commit.id].items():
                records.write(
                    commit, (partition, offset), identity=commit.id if offset == own else f"{commit.id}:{offset}",
                    correlationId=last.correlation_id, durationMs=millis_between(nanos(last), nanos(commit)),
                    settledBy=own if offset != own else None,
                )  # fmt: skip
            if own not in settled[commit.id]:
                seen = [read for read in reads if read.offset == own and nanos(read) <= nanos(commit)]
                there = history.messages.get((topic, partition, own))
                known = seen[-1].correlation_id if seen else there.correlation if there else None
                records.write(
                    commit, (partition, own), correlationId=known,
                    repeated=True if start == commit.offset else None,
                )  # fmt: skip
    return found


def _went_back_from(commit: Trace, earlier: list[Trace], apart: int) -> int | None:
    """The highest offset above this commit's that its group surely had, and had not left before, dated earlier.

    It has left an offset if a later commit came surely before this one, or lies as low and came perhaps before it.
    """
    higher = []
    for place, one in enumerate(earlier, start=1):
        later = [other for other in earlier[place:] if is_surely_before(one, other, apart)]
        is_left = any(is_surely_before(other, commit, apart) or other.offset <= commit.offset for other in later)
        if is_surely_before(one, commit, apart) and one.offset > commit.offset and not is_left:
            higher.append(one.offset)
    return max(higher, default=None)


def _sequence(commit: Trace, start: int | None, went_back_from: int | None, block_size: int) -> list[Wrong]:
    """What is wrong with a commit after one at `start`."""
    about = {"topic": commit.topic, "partition": commit.partition, "offset": commit.offset}
    about |= {"groupId": commit.group_id, "clientId": commit.client_id, "date": commit.date}
    found: list[Wrong] = []
    if went_back_from is not None:
        found.append(Wrong("rewound", commit.id, None, {**about, "fromOffset": went_back_from}))
    if start is not None and commit.offset // block_size - (start + 1) // block_size >= 64:
        found.append(Wrong("gap", commit.id, None, {**about, "fromOffset": start}))
    return found


def _duration(message: Message, trace: Trace) -> int | None:
    return None if message.send is None else millis_between(nanos(message.send), nanos(trace))
