"""The reference: the final outputs of a whole history, worked out at once, slowly and obviously.

It follows the text of the semantics and shares no code with the views: no keys, no blocks, no order of arrival. The one
thing that it must know of blocks is which of them writes a commit's own record (see `_own_place`).
"""

from collections import defaultdict
from collections.abc import Iterable
from datetime import UTC, datetime
from fractions import Fraction
from typing import Any, NamedTuple

from transforms.records import ACK, COMMIT, CONSUME, SEND, HeaderLink, Trace
from transforms.waits import Waits

#: No block edges at all: what the text says.
ONE_BLOCK = 10**18


class Expected(NamedTuple):
    """Per id: (key, value without revision) of every record, and every open finding."""

    records: dict[str, tuple[dict[str, Any], dict[str, Any]]]
    findings: dict[str, dict[str, Any]]


def expected(  # noqa: C901, PLR0912, PLR0915  a story told once, from the top
    items: Iterable[Trace | HeaderLink],
    *,
    block_size: int = ONE_BLOCK,
    exact: bool = False,
    waits: Waits | None = None,
    cluster: str = "",
    end: int | None = None,
) -> Expected:
    """What remains when all is over. With `end` (ms), findings whose deadline lies after it are left out."""
    waits = waits or Waits()
    items = list(items)
    headers = {item for item in items if isinstance(item, HeaderLink)}
    traces = {item.id: item for item in reversed(items) if isinstance(item, Trace)}
    of_type = {
        kind: sorted((t for t in traces.values() if t.type == kind), key=order) for kind in (SEND, ACK, CONSUME, COMMIT)
    }
    acks = [ack for ack in of_type[ACK] if ack.offset != -1]
    records: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {}
    found: list[tuple[int | None, dict[str, Any]]] = []

    def write(trace: Trace, place: tuple[int, int] | None, identity: str | None = None, **fields: Any) -> None:
        where = {"topic": trace.topic}
        if place is not None:
            where |= {"partition": place[0], "offset": place[1]}
        key = where if place is not None else {**where, "correlationId": trace.correlation_id}
        if trace.type == COMMIT:
            key = {**where, "groupId": trace.group_id}
        fields = {"groupId": trace.group_id, "cluster": cluster or None, **fields}
        value = {"id": identity or trace.id, "date": trace.date, "type": trace.type, "clientId": trace.client_id}
        value |= where | {name: fact for name, fact in fields.items() if fact is not None}
        records[value["id"]] = key, {**(trace.extra or {}), **value}

    def find(reason: str, trace: Trace, deadline: int | None = None, subject: str | None = None, **facts: Any) -> None:
        facts = {
            "topic": trace.topic,
            "clientId": trace.client_id,
            "date": trace.date,
            "cluster": cluster or None,
            **facts,
        }
        value = {name: fact for name, fact in facts.items() if fact is not None}
        if deadline is not None:
            value["deadline"] = _iso(deadline)
        found.append((deadline, {"id": f"{reason}:{subject or trace.id}", "reason": reason, **value}))

    # SENDs and their positions
    places, failed = _locate(of_type[SEND], [*of_type[ACK], *of_type[CONSUME]], headers)
    sends_at: dict[tuple[str, int, int], list[Trace]] = defaultdict(list)
    for send in of_type[SEND]:
        place = places.get(send.id)
        write(send, place, correlationId=send.correlation_id)
        if place is not None:
            sends_at[send.topic, *place].append(send)
        elif send.id not in failed:
            find("unlinked", send, send.timestamp + waits.retention, type=SEND, correlationId=send.correlation_id)

    def send_of(topic: str, partition: int, offset: int) -> Trace | None:
        return min(sends_at.get((topic, partition, offset), ()), key=order, default=None)

    def correlation_of(topic: str, partition: int, offset: int) -> str | None:
        here = (topic, partition, offset)
        send = send_of(*here)
        from_acks = [ack.correlation_id for ack in acks if position(ack) == here and ack.correlation_id]
        from_headers = sorted(link.correlation_id for link in headers if position(link) == here)
        from_reads = [read.correlation_id for read in of_type[CONSUME] if position(read) == here]
        return next(iter([*([send.correlation_id] if send else []), *from_acks, *from_headers, *from_reads]), None)

    # ACKs
    for ack in of_type[ACK]:
        if ack.offset == -1:
            write(ack, (ack.partition, ack.offset), correlationId=ack.correlation_id)
            if ack.partition == -1:
                find("send-failed", ack, correlationId=ack.correlation_id, error=(ack.extra or {}).get("error"))
            continue
        send, correlation = send_of(*position(ack)), correlation_of(*position(ack))
        duration = _millis(send, ack) if send else None
        write(ack, (ack.partition, ack.offset), correlationId=correlation, durationMs=duration)
        if correlation is None:
            where = {"partition": ack.partition, "offset": ack.offset}
            find("unlinked", ack, ack.timestamp + waits.retention, type=ACK, **where)
    acked = {position(ack) for ack in acks}
    for topic, partition, offset in sends_at:
        if (topic, partition, offset) not in acked:
            send = send_of(topic, partition, offset)
            assert send is not None
            where = {"partition": partition, "offset": offset, "correlationId": send.correlation_id}
            find("unacked", send, send.timestamp + waits.unacked, f"{send.id}:{partition}:{offset}", **where)

    # Deliveries
    delivered: dict[tuple[str | None, str, int, int], list[Trace]] = defaultdict(list)
    for read in of_type[CONSUME]:
        delivered[read.group_id, *position(read)].append(read)
    for reads in delivered.values():
        for count, read in enumerate(reads, start=1):
            send = send_of(*position(read))
            duration = _millis(send, read) if send else None
            place = (read.partition, read.offset)
            write(read, place, correlationId=read.correlation_id, durationMs=duration, deliveryCount=count)
            if count > 1:
                find(
                    "over-consumed", read, partition=read.partition, offset=read.offset, groupId=read.group_id,
                    correlationId=read.correlation_id, deliveryCount=count, firstClientId=reads[0].client_id,
                    firstDate=reads[0].date,
                )  # fmt: skip

    # Commits
    sequences: dict[tuple[str | None, str, int], list[Trace]] = defaultdict(list)
    for commit in of_type[COMMIT]:
        sequences[commit.group_id, commit.topic, commit.partition].append(commit)
    for (group, topic, partition), commits in sequences.items():
        reads = [
            read for (g, t, p, _), rs in delivered.items() if (g, t, p) == (group, topic, partition) for read in rs
        ]
        settled = _settle(commits, reads, exact=exact)
        for before, commit in zip([None, *commits], commits, strict=False):
            start = None if before is None else before.offset
            about = {"partition": partition, "offset": commit.offset, "fromOffset": start, "groupId": group}
            if start is not None and commit.offset < start:
                find("rewound", commit, **about)
            if start is not None and commit.offset // block_size - (start + 1) // block_size >= 64:
                find("gap", commit, **about)
            if commit.offset == -1:
                write(commit, (partition, -1))
                continue
            own, knows = _own_place(commit, reads, settled[commit.id], block_size)
            for offset, last in settled[commit.id].items():
                write(
                    commit, (partition, offset), identity=commit.id if offset == own else f"{commit.id}:{offset}",
                    correlationId=last.correlation_id, durationMs=_millis(last, commit),
                    settledBy=commit.offset if offset != commit.offset else None,
                )  # fmt: skip
            if own not in settled[commit.id]:
                seen = [
                    read for read in delivered.get((group, topic, partition, own), ()) if nanos(read) <= nanos(commit)
                ]
                known = seen[-1].correlation_id if seen else correlation_of(topic, partition, own)
                write(
                    commit, (partition, own), correlationId=known if knows else None,
                    repeated=True if start == commit.offset else None,
                )  # fmt: skip
    ripe = [value for deadline, value in found if end is None or deadline is None or deadline <= end]
    return Expected(records, {value["id"]: value for value in ripe})


def nanos(trace: Trace) -> int:
    """The instant of a trace's date."""
    whole, _, fraction = trace.date.removesuffix("Z").partition(".")
    seconds = int(datetime.fromisoformat(whole).replace(tzinfo=UTC).timestamp())
    return int((seconds + Fraction(f"0.{fraction or 0}")) * 10**9)


def order(trace: Trace) -> tuple[int, str]:
    """By date, then id."""
    return nanos(trace), trace.id


def position(item: Trace | HeaderLink) -> tuple[str, int, int]:
    """Topic, partition and offset."""
    return item.topic, item.partition, item.offset


def _millis(first: Trace, last: Trace) -> int:
    return int(Fraction(nanos(last) - nanos(first), 10**6))  # int() cuts toward zero


def _iso(millis: int) -> str:
    return datetime.fromtimestamp(millis / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _locate(
    sends: list[Trace], linking: list[Trace], headers: set[HeaderLink]
) -> tuple[dict[str, tuple[int, int]], set[str]]:
    """The place of each SEND that has one, and the SENDs that failed.

    Per correlationId and topic: each ACK that names the correlationId, in order of date, takes the earliest SEND of its
    client at or before it; the places that are left go to the SENDs that are left, both in order of date.
    """
    places: dict[str, tuple[int, int]] = {}
    failed: set[str] = set()
    for name in {(send.correlation_id, send.topic) for send in sends}:
        waiting = [send for send in sends if (send.correlation_id, send.topic) == name]
        links = [link for link in linking if (link.correlation_id, link.topic) == name and link.offset != -1]
        first_seen: dict[tuple[int, int], int] = {}
        dated = [((link.partition, link.offset), nanos(link)) for link in links]
        dated += [
            ((link.partition, link.offset), link.timestamp * 10**6)
            for link in headers
            if (link.correlation_id, link.topic) == name
        ]
        for place, date in dated:
            first_seen[place] = min(date, first_seen.get(place, date))
        taken: set[tuple[int, int]] = set()
        named = [ack for ack in linking if ack.type == ACK and (ack.correlation_id, ack.topic) == name]
        named = [ack for ack in named if ack.offset != -1 or ack.partition == -1]
        for ack in sorted(named, key=lambda ack: (nanos(ack), ack.partition, ack.offset, ack.client_id)):
            place = (ack.partition, ack.offset)
            if place in taken:
                continue
            mine = [send for send in waiting if send.client_id == ack.client_id and nanos(send) <= nanos(ack)]
            if not mine:
                continue
            waiting.remove(mine[0])
            if ack.offset == -1:
                failed.add(mine[0].id)
            else:
                places[mine[0].id] = place
                taken.add(place)
        left = sorted((date, place) for place, date in first_seen.items() if place not in taken)
        for send, (_, place) in zip(waiting, left, strict=False):
            places[send.id] = place
    return places, failed


def _settle(commits: list[Trace], reads: list[Trace], *, exact: bool) -> dict[str, dict[int, Trace]]:
    """Per commit and offset the last delivery that it settles: each goes to the first later commit that reaches it."""
    settled: dict[str, dict[int, Trace]] = {commit.id: {} for commit in commits}
    for read in sorted(reads, key=order):
        for commit in commits:
            reaches = commit.offset == read.offset if exact else commit.offset >= read.offset
            if reaches and nanos(commit) >= nanos(read):
                settled[commit.id][read.offset] = read
                break
    return settled


def _own_place(commit: Trace, reads: list[Trace], settled: dict[int, Trace], block_size: int) -> tuple[int, bool]:
    """The offset whose record bears the commit's own id, and whether its block is the one that decides.

    By the text: its own offset N if that was delivered to the group; else the highest offset that it settles; else N,
    alone. One block decides: that of N if the group had read there at or below N, else the last one below where it had.
    This is the text to the letter unless a group goes back without committing so, just before a commit at an offset
    that is no message.
    """
    home = commit.offset // block_size
    blocks: dict[int, list[Trace]] = defaultdict(list)
    for read in reads:
        blocks[read.offset // block_size].append(read)
    had_read = [
        block
        for block, inside in blocks.items()
        if min(read.offset for read in inside) <= commit.offset and min(map(nanos, inside)) <= nanos(commit)
    ]
    block = max((block for block in had_read if block <= home), default=home)
    if any(read.offset == commit.offset and nanos(read) <= nanos(commit) for read in reads):
        return commit.offset, True
    own = max((offset for offset in settled if offset // block_size == block), default=commit.offset)
    return own, own // block_size == block
