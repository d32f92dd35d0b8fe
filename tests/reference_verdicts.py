"""The reference of findings: what is wrong with each message, by the text of the rules, over a whole history."""

from collections.abc import Iterator
from itertools import pairwise
from typing import Any, NamedTuple

from tests.reference_history import (
    HEADERS,
    NO_GROUP,
    History,
    Message,
    acks_naming,
    first_seen,
    is_surely_before,
    iso,
    millis_between,
    nanos,
    order,
    says_failed,
)
from transforms.input.records import ACK, COMMIT, CONSUME, SEND
from transforms.input.traces import Trace
from transforms.state.waits import Waits


class Wrong(NamedTuple):
    """A finding and the time (ms) that had to pass before; None: none."""

    reason: str
    subject: str
    deadline: int | None
    about: dict[str, Any]

    def record(self, cluster: str) -> dict[str, Any]:
        """What is written: nothing that is unknown."""
        value = {"id": f"{self.reason}:{self.subject}", "reason": self.reason, "cluster": cluster or None, **self.about}
        value["deadline"] = None if self.deadline is None else iso(self.deadline)
        return {name: fact for name, fact in value.items() if fact is not None}


def wrongs(history: History, waits: Waits, read_topics: tuple[str, ...] = ()) -> Iterator[Wrong]:
    """All findings of a history but those of commit sequences. Of `read_topics` the headers are read."""
    yield from _of_producers(history, waits, read_topics)
    yield from _duplicates(history)
    for message in [*history.messages.values()]:
        yield from _at_position(message, history, waits)


def _of_producers(history: History, waits: Waits, read_topics: tuple[str, ...]) -> Iterator[Wrong]:
    for send in history.sends:
        if send.id not in history.places and send.id not in history.answered:
            in_log = False if send.topic in read_topics else None
            about = {**_who(send), "topic": send.topic, "producedAt": iso(nanos(send) // 10**6), "inLog": in_log}
            yield Wrong("unlinked", send.id, send.timestamp + waits.retention, {**about, "type": SEND})
    for ack in history.acks:
        if history.failed(ack):
            about = {**_who(ack), "topic": ack.topic, "error": (ack.extra or {}).get("error")}
            sends = [send for send in history.sends if history.answered.get(send.id) is ack and says_failed(ack)]
            for partition, offset in [history.places[send.id] for send in sends if send.id in history.places]:
                about |= {"partition": partition, "offset": offset, "inLog": True}
            yield Wrong("send-failed", ack.id, None, about)


def _at_position(message: Message, history: History, waits: Waits) -> Iterator[Wrong]:
    """What is wrong with the messages that lay at one position; of two under one name the earlier."""
    place = {"topic": message.topic, "partition": message.partition, "offset": message.offset}
    told: set[tuple[str, str]] = set()
    for life in message.lives:
        produced = None if life.produced is None else iso(life.produced // 10**6)
        for wrong in _of(life, history, waits):
            if (wrong.reason, wrong.subject) not in told:
                told.add((wrong.reason, wrong.subject))
                yield wrong._replace(about={**place, "producedAt": produced, **wrong.about})
    for second in message.lives[1:2]:
        begun = min([*second.sends, *second.acks], key=order)
        at = f"{message.topic}:{message.partition}:{message.offset}"
        yield Wrong("log-restarted", at, None, {**place, **_who(begun)})
    if message.correlation is None:
        produced = None if message.produced is None else iso(message.produced // 10**6)
        about = {**place, "producedAt": produced, "type": ACK}
        for ack in message.acks:
            yield Wrong("unlinked", ack.id, ack.timestamp + waits.retention, {**about, **_who(ack)})


def _duplicates(history: History) -> Iterator[Wrong]:
    """One correlationId at several positions of a topic, though one client alone produced it."""
    linking = [*history.acks, *history.reads]
    facts = [*history.sends, *linking, *history.links]
    for name in {(fact.correlation_id, fact.topic) for fact in facts if fact.correlation_id is not None}:
        sends = [send for send in history.sends if (send.correlation_id, send.topic) == name]
        producers = {trace.client_id for trace in [*sends, *acks_naming(name, linking)]}
        seen = sorted((date, *place) for place, (date, _) in first_seen(name, linking, history.links).items())
        if len(producers) != 1:
            continue
        for date, partition, offset in seen[1:]:
            about = {
                "topic": name[1], "correlationId": name[0], "partition": partition, "offset": offset,
                "firstPartition": seen[0][1], "firstOffset": seen[0][2], "clientId": min(producers),
                "date": iso(date // 10**6), "producedAt": iso(min(map(nanos, sends)) // 10**6) if sends else None,
            }  # fmt: skip
            yield Wrong("duplicate-produced", f"{name[1]}:{name[0]}:{partition}:{offset}", None, about)


def _of(message: Message, history: History, waits: Waits) -> Iterator[Wrong]:
    send, acks = message.send, message.acks
    at = f"{message.topic}:{message.partition}:{message.offset}"
    if send is not None and history.is_unacked(send):
        subject = f"{send.id}:{message.partition}:{message.offset}"
        yield Wrong("unacked", subject, send.timestamp + waits.unacked, _who(send))
    if send is not None:
        for ack in acks:
            about = {**_who(ack), "type": ACK, "correlationId": send.correlation_id}
            yield from _of_pair(send, ack, waits.hold_ack, about)
        for reads in message.reads.values():
            for read in reads:
                yield from _of_pair(send, read, waits.hold_consume, {**_who(read), "type": CONSUME})
    header_links, _ = history.facts_of(HEADERS, message.topic, message.partition)
    passed = history.passed_at(HEADERS, message)
    is_read = message.offset >= min((link.offset for link in header_links), default=message.offset + 1)
    if acks and is_read and passed is not None and not message.links:
        about = {**_who(acks[0]), "correlationId": message.correlation}
        yield Wrong("lost", at, max(passed, message.first) + waits.lost, about)
    yield from _of_groups(message, at, history, waits)


def _of_groups(message: Message, at: str, history: History, waits: Waits) -> Iterator[Wrong]:
    send, acks = message.send, message.acks
    for group in history.groups(message.topic, message.partition):
        if group in message.reads:
            yield from _of_group(message.reads[group], f"{group}:{at}", history, waits)
            continue
        passed = history.passed_at(group, message)
        if group == NO_GROUP:
            continue
        if passed is not None and history.expects(group, message, waits.retention):
            known = send or next(iter(acks), None)
            first_read = min((read for reads in message.reads.values() for read in reads), key=order, default=None)
            about = _who(known) if known else {"date": first_read.date if first_read else None}
            about |= {"correlationId": message.correlation, "groupId": group}
            about["cause"] = None if message.reads else "possibly-aborted"
            yield Wrong("unconsumed", f"{group}:{at}", max(passed, message.first) + waits.unconsumed, about)


def _of_group(reads: list[Trace], subject: str, history: History, waits: Waits) -> Iterator[Wrong]:
    """What is wrong with the deliveries of one message to one group."""
    group, topic, partition, offset = reads[0].group_id, reads[0].topic, reads[0].partition, reads[0].offset
    _, commits = history.facts_of(str(group), topic, partition)
    for count, (before, read) in enumerate(pairwise(reads), start=2):
        between = [
            commit for commit in commits if commit.offset >= offset and nanos(reads[0]) <= nanos(commit) < nanos(read)
        ]
        cause = "rewind" if between else "rebalance" if before.client_id != read.client_id else None
        about = {"deliveryCount": count, "firstClientId": reads[0].client_id, "firstDate": reads[0].date}
        about["cause"] = cause or ("redelivery" if commits else "unknown")
        if group != NO_GROUP:
            yield Wrong("over-consumed", read.id, None, {**_who(read), **about})
    last = reads[-1]
    perhaps_after = [
        commit
        for commit in commits
        if commit.offset >= offset and nanos(commit) < nanos(last)
        if not is_surely_before(commit, last, waits.commit_reorder)
    ]
    if commits and history.covering(last) is None and not perhaps_after:
        yield Wrong("uncommitted", subject, last.timestamp + waits.uncommitted, _who(last))
    settled: dict[str, tuple[Trace, Trace]] = {}
    for read in reads:
        commit = history.settling(read)
        if commit is not None:
            settled[commit.id] = commit, read  # the last one is the partner
    for commit, read in settled.values():
        if read.timestamp > commit.timestamp + waits.commit_reorder + waits.hold_commit:
            about = {**_who(commit), "type": COMMIT, "correlationId": read.correlation_id}
            yield Wrong("late", f"{commit.id}:{offset}", None, about)


def _of_pair(send: Trace, trace: Trace, hold: int, about: dict[str, Any]) -> Iterator[Wrong]:
    """What the times of an ACK or a CONSUME and of its SEND say."""
    duration = millis_between(nanos(send), nanos(trace))
    if duration < 0:
        yield Wrong("negative-latency", trace.id, None, {**about, "durationMs": duration, "sentBy": send.client_id})
    if send.timestamp > trace.timestamp + hold:
        yield Wrong("late", trace.id, None, about)


def _who(trace: Trace) -> dict[str, Any]:
    return {
        "clientId": trace.client_id, "groupId": getattr(trace, "group_id", None), "date": trace.date,
        "correlationId": trace.correlation_id,
    }  # fmt: skip
