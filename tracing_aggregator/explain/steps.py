"""The steps of one message: its traces with what they mean, and what is missing between them."""

from collections.abc import Iterator

from tracing_aggregator.explain.gather import Value
from tracing_aggregator.explain.subject import Place
from tracing_aggregator.explain.timeline_model import GAP, Step
from tracing_aggregator.explain.words import CAUSES, NO_GROUP, apart, elapsed
from transforms.findings.findings import LOST, OVER_CONSUMED, UNACKED, UNCOMMITTED, UNCONSUMED, UNLINKED
from transforms.input.dates import nanos_of
from transforms.input.records import ACK, COMMIT, CONSUME, SEND, UNKNOWN

_FACTS = ("durationMs", "deliveryCount", "settledBy", "repeated")

#: Reads of earlier messages: date (ns), group, position.
Reads = list[tuple[int, str, str]]


def nanos(record: Value) -> int:
    """The date of a record as a number."""
    return nanos_of(record["date"])


def steps_of(
    place: Place | None, records: list[Value], findings: list[Value], origin: int, reads: Reads
) -> Iterator[Step]:
    """Steps of the message whose records, in order of date, these are.

    `findings` are those about it that are open, `reads` the reads of messages before it.
    """
    sends = [one for one in records if one["type"] == SEND]
    acks = [one for one in records if one["type"] == ACK]
    yield from _produced(place, sends, acks, {one["reason"]: one for one in findings}, origin, reads)
    missed = {one["groupId"]: one for one in findings if one["reason"] == UNCONSUMED}
    groups = dict.fromkeys([*(one["groupId"] for one in records if "groupId" in one), *missed])
    for group in groups:
        of_group = [one for one in records if one.get("groupId") == group]
        about = [one for one in findings if one.get("groupId") == group]
        yield from _read(group, of_group, about, sends, origin)
    if place is not None and not groups:
        yield Step(GAP, "no group is known to have read it", gap="unread")


def _produced(
    place: Place | None, sends: list[Value], acks: list[Value], found: dict[str, Value], origin: int, reads: Reads
) -> Iterator[Step]:
    for send in sends:
        yield _step(send, _sent_after(send, reads), origin)
    if not sends:
        yield Step(GAP, "no SEND is known: its producer is not traced, or the trace is not here", gap="no-send")
    for ack in acks:
        yield _step(ack, _acked(ack, sends), origin)
    if sends and not acks and place is not None:
        if UNACKED in found:
            yield Step(GAP, f"never acknowledged{_deadline(found[UNACKED])}", gap="unacked")
        else:
            yield Step(GAP, "no acknowledgement is known", gap="no-ack")
    if LOST in found:
        yield Step(GAP, f"lost: the log was read past it, and it is not there{_deadline(found[LOST])}", gap="lost")
    if place is None and not any(ack["offset"] == UNKNOWN for ack in acks):
        yield Step(GAP, _nowhere(found.get(UNLINKED)), gap="unlocated")


def _sent_after(send: Value, reads: Reads) -> str:
    before = max((read for read in reads if read[0] <= nanos(send)), default=None)
    if before is None:
        return "sent"
    date, group, place = before
    return f"sent, {elapsed(nanos(send) - date)} after {group} read {place}"


def _acked(ack: Value, sends: list[Value]) -> str:
    if ack["offset"] == UNKNOWN and ack["partition"] == UNKNOWN:
        return f"the send failed: {ack['error']}" if "error" in ack else "the send failed"
    if ack["offset"] == UNKNOWN:
        return "acknowledged without an offset: the producer asked for none (acks=0)"
    if not sends:
        return "acknowledged by the broker"
    time, clocks = apart(nanos(sends[0]), nanos(ack))
    return f"{time} to the broker{clocks}"


def _nowhere(unlinked: Value | None) -> str:
    if unlinked is None:
        return "its position is not known: nobody is known to have read it yet"
    if unlinked.get("inLog") is False:
        return f"its position was never learned, and the log does not have it{_deadline(unlinked)}"
    return f"its position was never learned{_deadline(unlinked)}"


def _read(group: str, records: list[Value], findings: list[Value], sends: list[Value], origin: int) -> Iterator[Step]:
    reads = [one for one in records if one["type"] == CONSUME]
    causes = {one["deliveryCount"]: one.get("cause") for one in findings if one["reason"] == OVER_CONSUMED}
    last: Value | None = None
    first = reads[0] if reads else None
    for record in records:
        if record["type"] == COMMIT:
            yield _step(record, _committed(record, last), origin)
        else:
            yield _step(record, _consumed(record, first, sends, causes), origin)
            last = record
    found = {one["reason"]: one for one in findings}
    if UNCONSUMED in found and not reads:
        cause = CAUSES.get(found[UNCONSUMED].get("cause", ""), f"{group} went past it")
        label = f"group {group}: not consumed ({cause}{_deadline(found[UNCONSUMED], '; ')})"
        yield Step(GAP, label, group, gap=UNCONSUMED)
    if last is not None and group and not any(one["type"] == COMMIT and nanos(one) >= nanos(last) for one in records):
        if UNCOMMITTED in found:
            yield Step(GAP, f"not committed{_deadline(found[UNCOMMITTED])}", group, gap=UNCOMMITTED)
        else:
            yield Step(GAP, f"no commit of {group} is known to settle it", group, gap="no-commit")


def _consumed(read: Value, first: Value | None, sends: list[Value], causes: dict[int, str | None]) -> str:
    group, count = read["groupId"] or NO_GROUP, read.get("deliveryCount", 1)
    if count > 1 and first is not None and first is not read:
        cause = CAUSES.get(causes.get(count) or "", "")
        after = elapsed(nanos(read) - nanos(first))
        return f"read again by {group}, delivery {count}, {after} after the first" + (f": {cause}" if cause else "")
    if not sends:
        return f"{group} read it"
    time, clocks = apart(nanos(sends[0]), nanos(read))
    return f"{time} until {group} read it{clocks}"


def _committed(commit: Value, read: Value | None) -> str:
    offset = commit.get("settledBy", commit["offset"])
    if commit.get("repeated"):
        return f"the commit at offset {offset} again, which settled nothing"
    if read is None:
        return f"committed by the commit at offset {offset}, without a read that is known"
    return f"{elapsed(nanos(commit) - nanos(read))} until committed by the commit at offset {offset}"


def _deadline(finding: Value, before: str = "; ") -> str:
    return f"{before}the deadline was {finding['deadline']}" if "deadline" in finding else ""


def _step(record: Value, label: str, origin: int) -> Step:
    facts = {name: record[name] for name in _FACTS if name in record}
    if record["type"] == ACK and record["offset"] == UNKNOWN and record["partition"] == UNKNOWN:
        facts |= {"failed": True} | ({"error": str(record["error"])} if "error" in record else {})
    return Step(
        record["type"], label, record.get("groupId"), record["clientId"], record["date"], record["id"],
        nanos(record) - origin, facts=facts,
    )  # fmt: skip
