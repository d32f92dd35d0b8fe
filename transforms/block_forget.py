"""BlockForget: lets go of what is past retention, and of the oldest when a block holds too much."""

from transforms.block import Block
from transforms.block_facts import Held, Message
from transforms.block_output import BlockWriter
from transforms.block_review import BlockReview
from transforms.dates import NANOS_PER_MILLI
from transforms.findings import EVICTED, MINUTE_MS, UNLINKED, Verdict, finding
from transforms.waits import Waits

#: Kept of a block that held too much.
_KEEP = 0.9


class BlockForget:
    """See the head of this file."""

    def __init__(self, block: Block, writer: BlockWriter, review: BlockReview, waits: Waits) -> None:
        self._block = block
        self._writer = writer
        self._review = review
        self._waits = waits

    def expire(self, now: int) -> tuple[list[int], int | None]:
        """Forget what is past retention at `now` (ms): the offsets that are gone, and when to look again.

        A message is kept until the minute that it is counted in is past retention too.
        """
        block, before = self._block, now - self._waits.retention
        gone = self._forget(
            before, [offset for offset, message in block.messages.items() if _kept_for(message) <= before]
        )
        ends = (*map(_kept_for, block.messages.values()), *(commit.timestamp for commit in block.commits()))
        oldest = min(ends, default=None)
        return gone, None if oldest is None else self._waits.next_trim(now, oldest)

    def evict(self, limit: int, now: int) -> list[int]:
        """Give up the oldest facts until `limit` holds: what they still wait for is written as it is."""
        block = self._block
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
            for held in _held(block.messages[offset]):
                held.deadline = now
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
        return offsets

    def _forget(self, before: int, offsets: list[int]) -> list[int]:
        """Forget these messages, and the commits up to this time (ms) that settle no other."""
        block, holds = self._block, self._review.holds
        lost: dict[str, list[Held]] = {}
        for offset in offsets:
            message = block.messages.pop(offset)
            holds.set(offset, None)
            block.facts -= message.facts()
            self._unlinked(offset, message)
            for group, deliveries in message.deliveries.items():
                lost.setdefault(group, []).extend(deliveries)
            for held in _held(message):
                del block.ids[held.id]
            for commit in block.commits_at.get(offset, ()):
                commit.freeze(offset)
        for group, settlement in block.settlements.items():
            gone = settlement.forget(lost.get(group, ()), before)
            block.facts -= len(gone)
            for commit in gone:
                del block.ids[commit.id]
                block.commits_at[commit.offset].remove(commit)
                if not block.commits_at[commit.offset]:
                    del block.commits_at[commit.offset]
                holds.set(commit, None)
        return offsets

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


def _held(message: Message) -> list[Held]:
    return [*message.acks, *(one for deliveries in message.deliveries.values() for one in deliveries)]
