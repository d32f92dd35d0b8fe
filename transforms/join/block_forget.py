"""BlockForget: lets go of what is past retention, and of the oldest when a block holds too much."""

import numpy as np

from transforms.findings.findings import EVICTED, MINUTE_MS, UNLINKED, Verdict, finding
from transforms.input.dates import NANOS_PER_MILLI
from transforms.join.block import Block
from transforms.join.block_facts import Commit, JoinedTrace, Message
from transforms.join.block_output import BlockWriter
from transforms.join.block_review import BlockReview
from transforms.join.trace_table import Rows
from transforms.state.facts import Int64s
from transforms.state.waits import Waits

#: Kept of a block that held too much.
_KEEP = 0.9


class BlockForget:
    """See the head of this file."""

    def __init__(self, block: Block, writer: BlockWriter, review: BlockReview, waits: Waits) -> None:
        self._block = block
        self._writer = writer
        self._review = review
        self._waits = waits

    def expire(self, now: int) -> int | None:
        """Forget what is past retention at `now` (ms); when to look again.

        A message is kept until the minute that it is counted in is past retention too.
        """
        block, before = self._block, now - self._waits.retention
        plain = block.plain()
        kept_for = self._kept_for(plain)
        self._forget_plain(plain[kept_for <= before])
        objects = [offset for offset, message in block.messages.items() if _kept_for(message) <= before]
        self._forget(before, objects)
        ends = [*map(_kept_for, block.messages.values()), *(commit.timestamp for commit in block.commits())]
        later = kept_for[kept_for > before]
        if later.size:
            ends.append(int(later.min()))
        return self._waits.next_trim(now, min(ends)) if ends else None

    def evict(self, limit: int, now: int) -> None:
        """Give up the oldest facts until `limit` holds: what they still wait for is written as it is."""
        block = self._block
        for row in block.plain().tolist():
            block.promote(row)
        self._review.touch_tables()
        ages = sorted((message.last, message.facts()) for message in block.messages.values())
        ages += sorted((commit.timestamp, 1) for commit in block.commits())
        ages.sort()
        excess, before = block.facts - int(limit * _KEEP), -1
        for before, facts in ages:  # noqa: B007  the last one is the boundary
            excess -= facts
            if excess <= 0:
                break
        count = block.facts
        offsets = [offset for offset, message in block.messages.items() if message.last <= before]
        for offset in offsets:
            for trace in block.messages[offset].traces():
                trace.deadline = now
            self._review.touch(offset)
        for commit in block.commits():
            if commit.timestamp <= before:
                commit.deadline = now
                self._review.touch_commit(commit)
        self._review.write(now)
        self._forget(before, offsets)
        count -= block.facts
        self._writer.outputs.counts["evicted"] += count
        self._writer.outputs.findings.append(
            finding(EVICTED, f"{block.name}:{before}", None, key=block.name, count=count, limit=limit)
        )

    def _kept_for(self, rows: Rows) -> Int64s:
        """The time (ms) whose retention is that of each plain message."""
        window = self._block.window[rows]
        kept_for: Int64s = np.maximum(self._block.last[rows], np.where(window < 0, -1, window + MINUTE_MS))
        return kept_for

    def _forget_plain(self, rows: Rows) -> None:
        """Forget plain messages."""
        if not rows.size:
            return
        block = self._block
        for row in rows[block.sends.nanos[rows] == 0].tolist():
            self._unlinked(block.base + row, block.message(row))
        block.facts -= int(np.count_nonzero(block.link_timestamps[rows] >= 0))
        block.facts -= sum(int(np.count_nonzero(table.nanos[rows])) for table in block.tables())
        for row in rows.tolist():
            block.found.pop(block.base + row, None)
            for commit in block.commits_at.get(block.base + row, ()):
                reads = block.reads.get(commit.group_id)
                if reads is not None and reads.settled[row] == commit.slot:
                    commit.is_home = False  # what was written of it stays as it is
                else:
                    commit.freeze(block.base + row)
        block.clear(rows)
        self._review.touch_tables()

    def _forget(self, before: int, offsets: list[int]) -> None:
        """Forget these messages, which are objects, and the commits up to this time (ms) that settle no other."""
        block = self._block
        lost: dict[str, list[JoinedTrace]] = {}
        for offset in offsets:
            message = block.messages.pop(offset)
            block.facts -= message.facts()
            block.found.pop(offset, None)
            self._unlinked(offset, message)
            for group, deliveries in message.deliveries.items():
                lost.setdefault(group, []).extend(deliveries)
            for trace in message.traces():
                block.ids.pop(trace.id, None)  # of several under one id it knew the last
            for commit in block.commits_at.get(offset, ()):
                commit.freeze(offset)
        if offsets:
            block.clear(np.array(offsets) - block.base)
        self._review.forget(offsets)
        for group, settlement in block.settlements.items():
            reads = block.reads.get(group)
            settling = set() if reads is None else set(np.unique(reads.settled).tolist())
            self._forget_commits(settlement.forget(lost.get(group, ()), before, settling))
        self._review.write_plain()

    def _forget_commits(self, commits: list[Commit]) -> None:
        block = self._block
        block.facts -= len(commits)
        for commit in commits:
            block.ids.pop(commit.id, None)
            block.commits_at[commit.offset].remove(commit)
            if not block.commits_at[commit.offset]:
                del block.commits_at[commit.offset]
        self._review.forget(commits)

    def _unlinked(self, offset: int, message: Message) -> None:
        if message.correlation_id(message.sent()) is None:
            produced = message.produced(None)
            millis = None if produced is None else produced // NANOS_PER_MILLI
            for ack in message.acks:
                deadline = ack.timestamp + self._waits.retention
                known = {"type": "ACK", "clientId": ack.client_id, "date": ack.date, "produced": millis}
                self._writer.tell(offset, Verdict(UNLINKED, ack.id, deadline, known), None)


def _kept_for(message: Message) -> int:
    """The time (ms) whose retention is its own."""
    return max(message.last, *(window + MINUTE_MS for window in message.windows), -1)
