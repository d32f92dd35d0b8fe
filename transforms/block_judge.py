"""BlockJudge: every `stats_interval` says what is wrong with the messages of a block, and what they add to statistics.

Findings are told when they begin to hold, told anew when they change, and resolved when they no longer hold. Tallies go
to the windows that a change concerns, until the window is past retention; then it is final.
"""

from collections.abc import Iterable
from typing import Any

from transforms.addresses import STATS, skew_key, window_key
from transforms.block import Block
from transforms.block_facts import Message
from transforms.block_output import BlockWriter
from transforms.block_tally import Bounds, GroupTally, TopicTally, clock_bounds
from transforms.block_verdicts import Passes, Verdicts
from transforms.dates import NANOS_PER_MILLI
from transforms.findings import MINUTE_MS, Verdict
from transforms.records import HEADER_READER
from transforms.sla import Sla
from transforms.waits import Deadlines, Waits, earliest

_HOUR = 60 * MINUTE_MS


class BlockJudge:
    """See the head of this file."""

    def __init__(
        self, block: Block, writer: BlockWriter, waits: Waits, sla: Sla, *, is_compacted: bool = False
    ) -> None:
        self._block = block
        self._writer = writer
        self._waits = waits
        self._sla = sla
        self._verdicts = Verdicts(block, waits, is_compacted=is_compacted)
        self._touched: dict[int, None] = {}
        self._stirred: dict[str, int] = {}
        self._judge_at: int | None = None
        self._dues: Deadlines[int] = Deadlines()
        self._windows: dict[int, set[int]] = {}
        #: By window, the bounds of clocks that were told.
        self._bounds: dict[int, Bounds] = {}
        #: How often this block has judged: it numbers what is sent, and is part of the state.
        self.judgements = 0

    def touch(self, offset: int, timestamp: int, now: int) -> None:
        """A fact of this time (ms) about this offset has changed."""
        self._touched[offset] = None
        if self._judge_at is None:
            self._judge_at = max(self._round(timestamp), now + 1)

    def stir(self, group: str, offset: int, timestamp: int, now: int) -> None:
        """A fact of this time (ms) says that the group has come to this offset: what it left out below is judged."""
        if offset > self._stirred.get(group, -1):
            self._stirred[group] = offset
        if self._judge_at is None:
            self._judge_at = max(self._round(timestamp), now + 1)

    def count_in(self, offset: int, window: int) -> None:
        """A snapshot says in which window (ms) the message was counted."""
        self._block.messages[offset].windows += (window,)
        self._windows.setdefault(window, set()).add(offset)

    def state(self) -> list[Any]:
        """What a snapshot keeps beside the facts: a view that is built again must judge when this one does.

        The journal says that time passed and not what was told then: if the view that replays it judged earlier, it
        would hold for told what never was.
        """
        dues: dict[int, list[int]] = {}
        for offset, due in self._dues.items():
            dues.setdefault(due, []).append(offset)
        bounds = [(window, of, over, ms) for window, told in self._bounds.items() for (of, over), ms in told.items()]
        return [self._judge_at, list(self._touched), list(self._stirred.items()), list(dues.items()), bounds]

    def restore(self, state: list[Any]) -> None:
        """Take what `state` gave, in place of what the facts of the snapshot say."""
        self._judge_at, touched, stirred, dues, bounds = state
        self._touched, self._stirred = dict.fromkeys(touched), dict(stirred)
        self._dues = Deadlines()
        for due, offsets in dues:
            for offset in offsets:
                self._dues.set(offset, due)
        self._bounds = {}
        for window, of, over, ms in bounds:
            self._bounds.setdefault(window, {})[of, over] = ms

    def touch_all(self, now: int) -> None:
        """What is known of a group has changed: that concerns all messages."""
        for offset, message in self._block.messages.items():
            self.touch(offset, message.last, now)

    def deadline(self) -> int | None:
        """When to judge next."""
        return earliest(self._judge_at, self._dues.next())

    def forget(self, offsets: list[int]) -> None:
        """These messages are gone. Their windows are past retention, or the block held too much."""
        for offset in offsets:
            self._touched.pop(offset, None)
            self._dues.set(offset, None)
        gone = set(offsets)
        for window in list(self._windows):
            self._windows[window] -= gone
            if not self._windows[window]:
                del self._windows[window]
        self._bounds = {window: bounds for window, bounds in self._bounds.items() if window in self._windows}

    def judge(self, now: int, end: int | None = None) -> None:
        """Judge what has changed or is due at `now` (ms), of bounded input once, as of its `end`."""
        now = now if end is None else min(now, end)
        self.judgements += 1
        for offset in self._dues.due(now):
            self._touched[offset] = None
        self._touch_left_out()
        touched, self._touched, self._judge_at = self._touched, {}, None
        passes = Passes(self._block)
        windows: set[int] = set()
        for offset in touched:
            message = self._block.messages[offset]
            incarnations = message.incarnations()
            windows |= self._place(offset, message, {one.window() for one in incarnations})
            due = self._tell(offset, message, self._verdicts.of_all(offset, incarnations, passes), now)
            under = [self._counted_under(offset, one, passes, now) for one in incarnations]
            self._dues.set(offset, earliest(due, *under))
        for window in sorted(windows):
            if end is not None or window + MINUTE_MS + self._waits.retention > now:
                self._tally(window, now)

    def _touch_left_out(self) -> None:
        """Touch what the groups that came further have not read; of those whose commits settle one each, all below."""
        block = self._block
        for group, end in self._stirred.items():
            for offset, message in block.messages.items():
                if offset >= end:
                    continue
                is_read = message.links if group == HEADER_READER else group in message.deliveries
                if block.exact or not is_read:
                    self._touched[offset] = None
        self._stirred = {}

    def _place(self, offset: int, message: Message, windows: set[int]) -> set[int]:
        """Count the message in these windows; those that change."""
        changed = windows.union(message.windows)
        for window in changed - windows:
            self._windows[window].discard(offset)
        message.windows = tuple(sorted(windows))
        for window in windows:
            self._windows.setdefault(window, set()).add(offset)
        return changed

    def _tell(self, offset: int, message: Message, verdicts: Iterable[Verdict], now: int) -> int | None:
        """Tell what begins to hold, changes or ends; when the next verdict will hold."""
        found, waiting = message.found or {}, []
        held: set[str] = set()
        for verdict in verdicts:
            if verdict.deadline is not None and verdict.deadline > now:
                waiting.append(self._round(verdict.deadline))
                continue
            held.add(verdict.id)
            found[verdict.id] = self._writer.tell(offset, verdict, found.get(verdict.id))
        if found:
            for identity in found.keys() - held:
                self._writer.resolve(offset, found.pop(identity))
        message.found = found or None
        return min(waiting, default=None)

    def _counted_under(self, offset: int, message: Message, passes: Passes, now: int) -> int | None:
        """When a message that a group has yet to read counts as under-consumed; None if none waits for that."""
        produced = message.produced(message.sent())
        since = message.first if produced is None else produced // NANOS_PER_MILLI
        if since + self._waits.consumption_buffer <= now:
            return None
        missing = (group for group in passes.groups if group not in message.deliveries)
        is_missing = any(self._block.expects(group, offset, since) for group in missing)
        return self._round(since + self._waits.consumption_buffer) if is_missing else None

    def _round(self, deadline: int) -> int:
        """Each distinct deadline costs a bundle."""
        interval = self._waits.stats_interval
        return -(-deadline // interval) * interval

    def _tally(self, window: int, now: int) -> None:
        """Send the tallies of a window."""
        block = self._block
        held = [(offset, block.messages[offset]) for offset in sorted(self._windows.get(window, ()))]
        newest = max((message.last for _, message in held if message.is_message()), default=window)
        messages = [
            (offset, one)
            for offset, message in held
            for one in message.incarnations()
            if one.is_message() and (len(message.windows) == 1 or one.window() == window)
        ]
        key, place = window_key(block.topic, window), (block.partition, block.number)
        topic_tally = TopicTally()
        for offset, message in messages:
            topic_tally.add(offset, message)
        self._send(key, window, ("T", *place, topic_tally.as_json(), newest, self.judgements))
        for group in sorted(block.groups()):
            tally = GroupTally(block, group, self._sla, now, self._waits.consumption_buffer)
            for offset, message in messages:
                tally.add(offset, message)
            self._send(key, window, ("G", *place, group, tally.as_json(), newest, self.judgements))
        hour = window - window % _HOUR
        told, bounds = self._bounds.get(window, {}), clock_bounds(message for _, message in messages)
        for of, over in told | bounds:
            if told.get((of, over)) != bounds.get((of, over)):  # null withdraws what a fact that came later refutes
                event = ("B", f"{block.name}:{window}", of, over, bounds.get((of, over)), newest, self.judgements)
                self._send(skew_key(min(of, over), max(of, over), hour), window, event)
        self._bounds[window] = bounds

    def _send(self, key: bytes, window: int, event: tuple[object, ...]) -> None:
        self._writer.outputs.events.append((STATS, key, window, event))
