"""BlockView: all facts about 1,024 consecutive offsets of one partition, joined (the view of JoinBlocks).

In: located SENDs, ACKs, CONSUMEs, header links, commits, and what is said of groups. Out: every ACK, CONSUME
and COMMIT enriched, written when its partners are known or its hold ends, and again with a higher revision when facts
that come later change it (BlockReview); findings and tallies (BlockJudge).

What is written depends on the facts alone, so any order of arrival ends in the same records.
"""

from bisect import insort
from collections.abc import Callable, Iterable, Iterator
from operator import attrgetter
from typing import Any

from transforms.block import Block
from transforms.block_events import (
    ACKED,
    COMMITTED,
    CONSUMED,
    COUNTED,
    FOLLOWED,
    FOUND,
    JUDGING,
    LINKED,
    PRODUCED,
    SENT,
    commit_event,
    message_events,
    restore,
)
from transforms.block_facts import Commit, Follow, Held, Message, Sent
from transforms.block_forget import BlockForget
from transforms.block_judge import BlockJudge
from transforms.block_output import BlockWriter
from transforms.block_review import BlockReview
from transforms.dates import nanos_of
from transforms.findings import MINUTE_MS, Found
from transforms.packs import ENDED, Event
from transforms.records import HEADER_READER
from transforms.sla import Sla
from transforms.view import EXPIRED, Outputs
from transforms.waits import Waits, deadline_after, earliest

_order, _version = attrgetter("order"), attrgetter("version")


class BlockView:
    """See the head of this file.

    `limit` bounds its facts; `exact` lets a commit settle its own offset only; `is_compacted` says of which topics
    the log may lose messages.
    """

    def __init__(
        self,
        key: bytes,
        waits: Waits,
        limit: int,
        *,
        exact: bool = False,
        cluster: str = "",
        sla: Sla | None = None,
        is_compacted: Callable[[str], bool] | None = None,
    ) -> None:
        self._waits = waits
        self._limit = limit
        self._block = block = Block(key, exact=exact)
        self._writer = BlockWriter(block.topic, block.partition, cluster)
        self._review = BlockReview(block, self._writer)
        self._judge = BlockJudge(
            block,
            self._writer,
            waits,
            sla or Sla(),
            is_compacted=is_compacted is not None and is_compacted(block.topic),
        )
        self._forget = BlockForget(block, self._writer, self._review, waits)
        self._now = -1
        self._end: int | None = None
        self._trim_at: int | None = None
        self._take: dict[str, Callable[[list[Any]], None]] = {
            SENT: self._sent,
            ACKED: self._acked,
            CONSUMED: self._consumed,
            COMMITTED: self._committed,
            LINKED: self._linked,
            FOLLOWED: self._followed,
            PRODUCED: self._produced,
            EXPIRED: self._expire,
            ENDED: self._ended,
            FOUND: self._found,
            COUNTED: self._counted,
            JUDGING: self._judging,
        }

    def apply(self, events: Iterable[list[Any]]) -> Outputs:
        """Take in a batch of events; write what it completes or changes."""
        self._writer.outputs = outputs = Outputs()
        take = self._take
        for event in events:
            take[event[0]](event)
        self._review.write(self._now)
        if self._block.facts > self._limit:
            self._judge.forget(self._forget.evict(self._limit, self._now))
        return outputs

    def deadline(self) -> int | None:
        """The next hold that ends, the next judgement, or the next look for what is past retention."""
        return earliest(self._review.holds.next(), self._judge.deadline(), self._trim_at)

    def facts(self) -> int:
        """Facts held."""
        return self._block.facts

    # Taking in ------------------------------------------------------------------------------------------------------

    def _message(self, offset: int, timestamp: int) -> Message:
        """The message at this offset, about to change by a fact of this time (ms)."""
        message = self._block.messages.get(offset)
        if message is None:
            message = self._block.messages[offset] = Message(timestamp)
        elif timestamp > message.last:
            message.last = timestamp
        elif timestamp < message.first:
            message.first = timestamp
        self._review.touch(offset)
        self._judge.touch(offset, timestamp, self._now)
        self._grow(timestamp)
        return message

    def _grow(self, timestamp: int) -> None:
        self._block.facts += 1
        if self._trim_at is None:
            self._trim_at = max(deadline_after(timestamp + MINUTE_MS, self._waits.retention), self._now + 1)

    def _is_new(self, identity: str, offset: int, timestamp: int, deadline: int) -> bool:
        """Whether the trace is not known yet. One that lies twice in the topic counts by its earliest time (ms)."""
        known = self._block.ids.get(identity)
        if known is None:
            return True
        self._writer.outputs.counts["duplicates"] += 1
        if timestamp < known.timestamp:
            known.timestamp, known.deadline = timestamp, deadline  # a restored view has this deadline too
            self._message(offset, timestamp).retime()
            self._block.facts -= 1
        return False

    def _sent(self, event: list[Any]) -> None:
        sent = Sent._make((*event[2:10], nanos_of(event[4])))
        message = self._message(event[1], sent.timestamp)
        known = [other for other in message.sends if other.id == sent.id]
        if known:
            self._block.facts -= 1
            message.sends.remove(known[0])
        message.sends.append(max((*known, sent), key=_version))
        if known:
            message.retime()

    def _acked(self, event: list[Any]) -> None:
        _, offset, identity, date, client, timestamp, correlation, extra, *state = event
        deadline = deadline_after(timestamp, self._waits.hold_ack)
        if not self._is_new(identity, offset, timestamp, deadline):
            return
        ack = Held(identity, date, client, timestamp, correlation, extra, deadline)
        restore(ack, state)
        self._block.ids[identity] = ack
        _insert(self._message(offset, timestamp).acks, ack)

    def _consumed(self, event: list[Any]) -> None:
        _, offset, identity, date, client, timestamp, correlation, group, extra, *state = event
        deadline = deadline_after(timestamp, self._waits.hold_consume)
        if not self._is_new(identity, offset, timestamp, deadline):
            return
        delivery = Held(identity, date, client, timestamp, correlation, extra, deadline)
        restore(delivery, state)
        self._block.ids[identity] = delivery
        _insert(self._message(offset, timestamp).deliveries.setdefault(group, []), delivery)
        self._judge.stir(group, offset, timestamp, self._now)
        settling = self._block.settlement(group).deliver(offset, delivery)
        if settling is not None:
            self._review.touch_commit(settling)

    def _committed(self, event: list[Any]) -> None:
        identity = event[2]
        known = self._block.ids.get(identity)
        if isinstance(known, Commit):
            self._told_again(known, event)
            return
        commit = Commit(event, self._commit_deadline(event[5]))
        for record, revision, written in event[11] if len(event) > 11 else ():  # noqa: PLR2004  a snapshot's extra item
            commit.written[record] = (revision, None if written is None else tuple(written))
        self._block.ids[identity] = commit
        self._block.commits_at.setdefault(commit.offset, []).append(commit)
        self._grow(commit.timestamp)
        for touched in self._block.settlement(commit.group_id).commit(commit):
            self._review.touch_commit(touched)
        self._judge_settled(commit)

    def _told_again(self, commit: Commit, event: list[Any]) -> None:
        """It repeats another, or no longer does, or it lies twice in the topic and has an earlier time."""
        if commit.version < event[10]:
            commit.repeated, commit.version = event[8], event[10]
            self._review.touch_commit(commit)
        if event[5] < commit.timestamp:
            commit.timestamp, commit.deadline = event[5], self._commit_deadline(event[5])
            self._review.touch_commit(commit)
            self._judge_settled(commit)

    def _commit_deadline(self, timestamp: int) -> int:
        return deadline_after(timestamp, self._waits.commit_reorder + self._waits.hold_commit)

    def _judge_settled(self, commit: Commit) -> None:
        perhaps_settled = self._block.settlement(commit.group_id).open_before(commit)
        for offset in (*commit.settled, *perhaps_settled):
            self._judge.touch(offset, commit.timestamp, self._now)
        self._judge.stir(commit.group_id, commit.offset + 1, commit.timestamp, self._now)

    def _linked(self, event: list[Any]) -> None:
        _, offset, correlation, timestamp = event
        message = self._message(offset, timestamp)
        if (correlation, timestamp) in message.links:
            self._block.facts -= 1
        else:
            message.links.append((correlation, timestamp))
            self._judge.stir(HEADER_READER, offset, timestamp, self._now)

    def _followed(self, event: list[Any]) -> None:
        group, news = event[1], Follow._make(event[2:])
        known = self._block.follows.get(group)
        merged = news if known is None else known.merge(news)
        if merged != known:
            self._block.follows[group] = merged
            if self._trim_at is None:  # news for a block that is forgotten, or not there yet, is no reason to stay
                self._trim_at = max(deadline_after(merged.until, 0), self._now + 1)
            self._judge.touch_all(self._now)

    def _produced(self, event: list[Any]) -> None:
        """This client is answered without offsets in this partition, and with offsets too if the last item says so."""
        _, client, timestamp, is_placing = event
        known = self._block.bare.get(client)
        if known is None or (is_placing and not known):
            self._block.bare[client] = is_placing
            if self._trim_at is None:
                self._trim_at = max(deadline_after(timestamp, self._waits.retention), self._now + 1)
            self._judge.touch_all(self._now)

    def _found(self, event: list[Any]) -> None:
        _, offset, identity, *found = event
        message = self._block.messages[offset]
        message.found = {**(message.found or {}), identity: Found._make(found)}

    def _counted(self, event: list[Any]) -> None:
        self._judge.count_in(event[1], event[2])

    def _judging(self, event: list[Any]) -> None:
        self._judge.restore(event[1:])

    # Time -----------------------------------------------------------------------------------------------------------

    def _ended(self, event: list[Any]) -> None:
        """Bounded input ends at this time (ms): whatever holds ends, what would be judged later is not judged."""
        self._end = event[1]

    def _expire(self, event: list[Any]) -> None:
        self._now = now = max(self._now, event[1])
        if len(event) > 2:  # noqa: PLR2004  a snapshot's extra items
            self._trim_at, self._judge.judgements = event[2:]
        self._review.touch_due(now)
        self._review.write(now)
        due = self._judge.deadline()
        if due is not None and due <= now:
            self._judge.judge(now, self._end)
        if self._trim_at is not None and self._trim_at <= now:
            gone, self._trim_at = self._forget.expire(now)
            self._judge.forget(gone)

    # Keeping --------------------------------------------------------------------------------------------------------

    def snapshot(self) -> Iterator[Event]:
        """Events that build this view again, with what it has written."""
        yield EXPIRED, self._now, self._trim_at, self._judge.judgements
        if self._end is not None:
            yield ENDED, self._end
        for offset, message in self._block.messages.items():
            yield from message_events(offset, message)
        for commit in self._block.commits():
            yield commit_event(commit)
        for group, follow in self._block.follows.items():
            yield FOLLOWED, group, *follow
        for client, is_placing in self._block.bare.items():
            yield PRODUCED, client, self._now, is_placing
        if self._block.facts:
            yield JUDGING, *self._judge.state()


def _insert(facts: list[Held], fact: Held) -> None:
    """In their order; nearly always it is the only one, and an order costs more than all else."""
    if facts:
        insort(facts, fact, key=_order)
    else:
        facts.append(fact)
