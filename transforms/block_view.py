"""BlockView: all facts about 1,024 consecutive offsets of one partition, joined (the view of JoinBlocks).

In: located SENDs, ACKs, CONSUMEs, header links and commits. Out: every ACK, CONSUME and COMMIT enriched, written when
its partners are known or its hold ends, and again with a higher revision when facts that come later change it.

What is written depends on the facts alone: after each batch the records of the offsets and commits that it touched are
worked out anew and compared with what was written. So any order of arrival ends in the same records.
"""

from bisect import insort
from collections.abc import Callable, Iterable, Iterator
from operator import attrgetter
from typing import Any, ClassVar

from transforms.addresses import parts_of
from transforms.block_facts import Commit, Held, Message, Sent
from transforms.block_output import BlockWriter
from transforms.dates import duration_ms, nanos_of
from transforms.findings import EVICTED, UNLINKED, finding
from transforms.packs import Event
from transforms.settlement import Settlement
from transforms.view import EXPIRED, Outputs
from transforms.waits import Deadlines, Waits, deadline_after

#: Kinds of events of a block; the second item of each is the offset, the last ones what a snapshot adds.
SENT = "S"
ACKED = "A"
CONSUMED = "C"
COMMITTED = "K"
LINKED = "L"
_UNACKED = "U"

_order = attrgetter("order")
#: Kept of a block that held too much.
_KEEP = 0.9


class BlockView:
    """See the head of this file. `limit` bounds its facts; `exact` lets a commit settle its own offset only."""

    def __init__(self, key: bytes, waits: Waits, limit: int, *, exact: bool = False, cluster: str = "") -> None:
        topic, partition, _ = parts_of(key)
        self._name = key.decode()
        self._waits = waits
        self._limit = limit
        self._exact = exact
        self._writer = BlockWriter(topic, int(partition), cluster)
        self._messages: dict[int, Message] = {}
        self._groups: dict[str, Settlement] = {}
        self._ids: dict[str, Held | Commit] = {}
        self._commits_at: dict[int, list[Commit]] = {}
        self._deadlines: Deadlines[int | Commit] = Deadlines()
        self._now = -1
        self._trim_at: int | None = None
        self._facts = 0
        self._touched: dict[int, None] = {}
        self._touched_commits: dict[Commit, None] = {}

    def apply(self, events: Iterable[list[Any]]) -> Outputs:
        """Take in a batch of events; write what it completes or changes."""
        self._writer.outputs = outputs = Outputs()
        for event in events:
            self._TAKE[event[0]](self, event)
        self._review()
        if self._facts > self._limit:
            self._evict()
        return outputs

    def deadline(self) -> int | None:
        """The next hold that ends, or the next look for what is past retention."""
        return min((due for due in (self._deadlines.next(), self._trim_at) if due is not None), default=None)

    def facts(self) -> int:
        """Facts held."""
        return self._facts

    # Taking in ------------------------------------------------------------------------------------------------------

    def _message(self, offset: int, timestamp: int) -> Message:
        """The message at this offset, about to change by a fact of this time (ms)."""
        message = self._messages.get(offset)
        if message is None:
            message = self._messages[offset] = Message()
        message.last = max(message.last, timestamp)
        self._touched[offset] = None
        self._grow(timestamp)
        return message

    def _grow(self, timestamp: int) -> None:
        self._facts += 1
        if self._trim_at is None:
            self._trim_at = max(deadline_after(timestamp, self._waits.retention), self._now + 1)

    def _is_new(self, identity: str) -> bool:
        if identity in self._ids:
            self._writer.outputs.counts["duplicates"] += 1
            return False
        return True

    def _sent(self, event: list[Any]) -> None:
        sent = Sent._make((*event[2:9], nanos_of(event[4])))
        message = self._message(event[1], sent.timestamp)
        known = [other for other in message.sends if other.id == sent.id]
        if known:
            self._facts -= 1
            if known[0].version >= sent.version:
                return
            message.sends.remove(known[0])
        message.sends.append(sent)

    def _acked(self, event: list[Any]) -> None:
        _, offset, identity, date, client, timestamp, correlation, extra, *state = event
        if not self._is_new(identity):
            return
        deadline = deadline_after(timestamp, self._waits.hold_ack)
        ack = Held(identity, date, client, timestamp, correlation, extra, deadline)
        _restore(ack, state)
        self._ids[identity] = ack
        insort(self._message(offset, timestamp).acks, ack, key=_order)

    def _consumed(self, event: list[Any]) -> None:
        _, offset, identity, date, client, timestamp, correlation, group, extra, *state = event
        if not self._is_new(identity):
            return
        deadline = deadline_after(timestamp, self._waits.hold_consume)
        delivery = Held(identity, date, client, timestamp, correlation, extra, deadline)
        _restore(delivery, state)
        self._ids[identity] = delivery
        insort(self._message(offset, timestamp).deliveries.setdefault(group, []), delivery, key=_order)
        settling = self._group(group).deliver(offset, delivery)
        if settling is not None:
            self._touched_commits[settling] = None

    def _committed(self, event: list[Any]) -> None:
        identity = event[2]
        known = self._ids.get(identity)
        if isinstance(known, Commit):
            if known.version < event[10]:
                _, _, _, _, _, _, _, _, known.repeated, known.original, known.version, known.floor = event[:12]
                self._touched_commits[known] = None
            return
        wait = self._waits.commit_reorder + self._waits.hold_commit
        commit = Commit(event, deadline_after(event[5], wait))
        for record, revision, written in event[12] if len(event) > 12 else ():  # noqa: PLR2004  a snapshot's extra item
            commit.written[record] = (revision, None if written is None else tuple(written))
        self._ids[identity] = commit
        self._commits_at.setdefault(commit.offset, []).append(commit)
        self._grow(commit.timestamp)
        for touched in self._group(commit.group_id).commit(commit):
            self._touched_commits[touched] = None

    def _linked(self, event: list[Any]) -> None:
        _, offset, correlation, timestamp = event
        message = self._message(offset, timestamp)
        if (correlation, timestamp) in message.links:
            self._facts -= 1
        else:
            message.links.append((correlation, timestamp))

    def _restore_unacked(self, event: list[Any]) -> None:
        self._messages[event[1]].unacked = event[2]

    def _group(self, group: str) -> Settlement:
        settlement = self._groups.get(group)
        if settlement is None:
            settlement = self._groups[group] = Settlement(exact=self._exact)
        return settlement

    def _expire(self, event: list[Any]) -> None:
        self._now = max(self._now, event[1])
        if len(event) > 2:  # noqa: PLR2004  a snapshot's extra item
            self._trim_at = event[2]
        for subject in self._deadlines.due(self._now):
            if isinstance(subject, Commit):
                self._touched_commits[subject] = None
            else:
                self._touched[subject] = None
        if self._trim_at is not None and self._trim_at <= self._now:
            self._trim()

    # Writing --------------------------------------------------------------------------------------------------------

    def _review(self) -> None:
        """Write what changed about the touched offsets and commits."""
        for offset in self._touched:
            message = self._messages[offset]
            self._deadlines.set(offset, self._review_message(offset, message))
            self._touched_commits.update(dict.fromkeys(self._commits_at.get(offset, ())))
        for commit in self._touched_commits:
            self._deadlines.set(commit, self._review_commit(commit))
        self._touched, self._touched_commits = {}, {}

    def _review_message(self, offset: int, message: Message) -> int | None:
        """Write what is ready of this offset; the next deadline that it waits for."""
        writer, now = self._writer, self._now
        sent = message.sent()
        correlation = message.correlation_id(sent)
        waiting: list[int] = []
        for ack in message.acks:
            if sent is not None or ack.revision or ack.deadline <= now:
                duration = None if sent is None else duration_ms(sent.nanos, ack.nanos)
                writer.ack(offset, ack, correlation, duration)
            else:
                waiting.append(ack.deadline)
        for group, deliveries in message.deliveries.items():
            for count, delivery in enumerate(deliveries, start=1):
                if sent is not None or delivery.revision or delivery.deadline <= now:
                    duration = None if sent is None else duration_ms(sent.nanos, delivery.nanos)
                    writer.consume(offset, group, delivery, duration, count, deliveries[0])
                else:
                    waiting.append(delivery.deadline)
        unacked = sent if sent is not None and not message.acks else None
        if unacked is not None and message.unacked != unacked.id:
            deadline = deadline_after(unacked.timestamp, self._waits.unacked)
            if deadline > now:
                waiting.append(deadline)
                unacked = None
        writer.unacked(offset, message, unacked, self._waits.unacked)
        return min(waiting, default=None)

    def _review_commit(self, commit: Commit) -> int | None:
        """Write the records of this commit that are new or changed; until when its own record is held."""
        place = self._place(commit)
        records: dict[int, tuple[Any, ...]] = {}
        highest = max(commit.settled, default=None)
        for offset, deliveries in commit.settled.items():
            if place is None and commit.original and offset == highest and offset not in commit.written:
                continue  # it bears the original id if the commit's own offset turns out to be no message
            last = max(deliveries, key=_order)
            record = Commit.ORIGINAL if offset == place else offset
            records[record] = (offset, last.correlation_id, duration_ms(last.nanos, commit.nanos), False)
        if place is not None and Commit.ORIGINAL not in records:
            records[Commit.ORIGINAL] = (place, self._correlation_at(place, commit), None, commit.repeated)
        self._writer.commit(commit, records)
        return commit.deadline if commit.original and place is None else None

    def _place(self, commit: Commit) -> int | None:
        """The offset whose record bears the commit's own id; None while open, or when another block writes it."""
        if not commit.original:
            return None
        message = self._messages.get(commit.offset)
        deliveries = message.deliveries.get(commit.group_id) if message is not None else None
        if deliveries and deliveries[0].nanos <= commit.nanos:
            return commit.offset
        if commit.deadline > self._now:
            return None
        return max(commit.settled, default=commit.offset)

    def _correlation_at(self, offset: int, commit: Commit) -> str | None:
        """The correlationId of a message not settled here: its group's last delivery's, else the offset's."""
        message = self._messages.get(offset)
        if message is None:
            return None
        seen = [one for one in message.deliveries.get(commit.group_id, ()) if one.nanos <= commit.nanos]
        return seen[-1].correlation_id if seen else message.correlation_id(message.sent())

    # Forgetting -----------------------------------------------------------------------------------------------------

    def _trim(self) -> None:
        """Forget what is past retention."""
        before = self._now - self._waits.retention
        self._review()
        self._forget(before)
        oldest = min(
            (*(m.last for m in self._messages.values()), *(c.timestamp for c in self._commits())), default=None
        )
        self._trim_at = None if oldest is None else self._waits.next_trim(self._now, oldest)

    def _forget(self, before: int) -> None:
        """Forget the messages and commits whose last fact is at or before this time (ms)."""
        offsets = [offset for offset, message in self._messages.items() if message.last <= before]
        lost: dict[str, list[Held]] = {}
        for offset in offsets:
            message = self._messages.pop(offset)
            self._deadlines.set(offset, None)
            self._facts -= message.facts()
            self._unlinked(offset, message)
            for group, deliveries in message.deliveries.items():
                lost.setdefault(group, []).extend(deliveries)
            for held in (*message.acks, *(one for deliveries in message.deliveries.values() for one in deliveries)):
                del self._ids[held.id]
            for commit in self._commits_at.get(offset, ()):
                commit.freeze(offset)
        for group, settlement in self._groups.items():
            gone = settlement.forget(lost.get(group, ()), before)
            self._facts -= len(gone)
            for commit in gone:
                del self._ids[commit.id]
                self._commits_at[commit.offset].remove(commit)
                if not self._commits_at[commit.offset]:
                    del self._commits_at[commit.offset]
                self._deadlines.set(commit, None)

    def _unlinked(self, offset: int, message: Message) -> None:
        if message.correlation_id(message.sent()) is None:
            for ack in message.acks:
                deadline = ack.timestamp + self._waits.retention
                self._writer.find(UNLINKED, ack.id, deadline, offset, type="ACK", clientId=ack.client_id, date=ack.date)

    def _evict(self) -> None:
        """Give up the oldest facts of a block that holds too many: what they still wait for is written as it is."""
        ages = sorted((message.last, message.facts()) for message in self._messages.values())
        ages += sorted((commit.timestamp, 1) for commit in self._commits())
        ages.sort()
        excess, before = self._facts - int(self._limit * _KEEP), -1
        for before, facts in ages:  # noqa: B007  the last one is the boundary
            excess -= facts
            if excess <= 0:
                break
        count = self._facts
        for offset, message in self._messages.items():
            if message.last <= before:
                self._release(message)
                self._touched[offset] = None
        for commit in self._commits():
            if commit.timestamp <= before:
                commit.deadline = self._now
                self._touched_commits[commit] = None
        self._review()
        self._forget(before)
        count -= self._facts
        self._writer.outputs.counts["evicted"] += count
        self._writer.outputs.findings.append(
            finding(EVICTED, f"{self._name}:{before}", None, key=self._name, count=count, limit=self._limit)
        )

    def _release(self, message: Message) -> None:
        for held in (*message.acks, *(one for deliveries in message.deliveries.values() for one in deliveries)):
            held.deadline = self._now

    def _commits(self) -> Iterator[Commit]:
        for settlement in self._groups.values():
            yield from settlement.commits

    # Keeping --------------------------------------------------------------------------------------------------------

    def snapshot(self) -> Iterator[Event]:
        """Events that build this view again, with what it has written."""
        yield EXPIRED, self._now, self._trim_at
        for offset, message in self._messages.items():
            for sent in message.sends:
                yield SENT, offset, *sent[:-1]
            for link in message.links:
                yield LINKED, offset, *link
            for ack in message.acks:
                yield ACKED, offset, *_fields(ack), ack.extra, ack.revision, ack.written
            for group, deliveries in message.deliveries.items():
                for one in deliveries:
                    yield CONSUMED, offset, *_fields(one), group, one.extra, one.revision, one.written
            if message.unacked is not None:
                yield _UNACKED, offset, message.unacked
        for commit in self._commits():
            written = [(record, *state) for record, state in commit.written.items()]
            yield (
                COMMITTED, commit.offset, commit.id, commit.date, commit.client_id, commit.timestamp, commit.group_id,
                commit.extra, commit.repeated, commit.original, commit.version, commit.floor, written,
            )  # fmt: skip

    _TAKE: ClassVar[dict[str, Callable[["BlockView", list[Any]], None]]] = {
        SENT: _sent,
        ACKED: _acked,
        CONSUMED: _consumed,
        COMMITTED: _committed,
        LINKED: _linked,
        _UNACKED: _restore_unacked,
        EXPIRED: _expire,
    }


def _fields(held: Held) -> tuple[Any, ...]:
    return held.id, held.date, held.client_id, held.timestamp, held.correlation_id


def _restore(held: Held, state: list[Any]) -> None:
    """What a snapshot says was written of a trace."""
    if state:
        held.revision, written = state
        held.written = None if written is None else tuple(written)
