"""BlockReview: works out anew what is to be written of the offsets and commits that a batch touched."""

from operator import attrgetter
from typing import Any

from transforms.block import Block
from transforms.block_facts import Commit, Message
from transforms.block_output import BlockWriter
from transforms.dates import duration_ms
from transforms.waits import Deadlines, earliest

_order = attrgetter("order")


class BlockReview:
    """Writes what is ready, and keeps the holds of what is not: `holds` are offsets and commits that wait."""

    def __init__(self, block: Block, writer: BlockWriter) -> None:
        self._block = block
        self._writer = writer
        self.holds: Deadlines[int | Commit] = Deadlines()
        self._touched: dict[int, None] = {}
        self._touched_commits: dict[Commit, None] = {}

    def touch(self, offset: int) -> None:
        """A fact about this offset has changed."""
        self._touched[offset] = None

    def touch_commit(self, commit: Commit) -> None:
        """A fact about this commit has changed."""
        self._touched_commits[commit] = None

    def touch_due(self, now: int) -> None:
        """What has waited long enough is looked at again."""
        for subject in self.holds.due(now):
            if isinstance(subject, Commit):
                self._touched_commits[subject] = None
            else:
                self._touched[subject] = None

    def write(self, now: int) -> None:
        """Write what changed about the touched offsets and commits. Times in ms."""
        block, holds = self._block, self.holds
        for offset in self._touched:
            holds.set(offset, self._message(offset, block.messages[offset], now))
            commits = block.commits_at.get(offset)
            if commits:
                self._touched_commits.update(dict.fromkeys(commits))
        for commit in self._touched_commits:
            holds.set(commit, self._commit(commit, now))
        self._touched, self._touched_commits = {}, {}

    def _message(self, offset: int, message: Message, now: int) -> int | None:
        """Write what is ready of this offset; until when the rest is held."""
        return earliest(*(self._incarnation(offset, one, now) for one in message.incarnations()))

    def _incarnation(self, offset: int, message: Message, now: int) -> int | None:
        writer = self._writer
        sent = message.sent()
        correlation = message.correlation_id(sent) if message.acks else None
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
                    writer.consume(offset, group, delivery, duration, count)
                else:
                    waiting.append(delivery.deadline)
        return min(waiting, default=None)

    def _commit(self, commit: Commit, now: int) -> int | None:
        """Write the records of this commit that are new or changed; until when its own record is held."""
        records: dict[int, tuple[Any, ...]] = {}
        for offset, deliveries in commit.settled.items():
            last = max(deliveries, key=_order)
            record = Commit.ORIGINAL if offset == commit.offset else offset
            records[record] = (offset, last.correlation_id, duration_ms(last.nanos, commit.nanos), False)
        is_held = commit.original and Commit.ORIGINAL not in records and not self._is_over(commit, now)
        if commit.original and Commit.ORIGINAL not in records and not is_held:
            correlation_id = self._correlation_at(commit.offset, commit)
            records[Commit.ORIGINAL] = (commit.offset, correlation_id, None, commit.repeated)
        self._writer.commit(commit, records)
        return commit.deadline if is_held else None

    def _is_over(self, commit: Commit, now: int) -> bool:
        """Whether its own message was read before it (an earlier commit settles that), or its hold is over."""
        message = self._block.messages.get(commit.offset)
        deliveries = message.deliveries.get(commit.group_id) if message is not None else None
        return bool(deliveries and deliveries[0].nanos <= commit.nanos) or commit.deadline <= now

    def _correlation_at(self, offset: int, commit: Commit) -> str | None:
        """The correlationId of a message not settled here: its group's last delivery's, else the offset's."""
        message = self._block.messages.get(offset)
        if message is None:
            return None
        seen = [one for one in message.deliveries.get(commit.group_id, ()) if one.nanos <= commit.nanos]
        return seen[-1].correlation_id if seen else message.correlation_id(message.sent())
