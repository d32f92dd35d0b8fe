"""BlockJudge: every `stats_interval` says what is wrong with the messages of a block, and what they add to statistics.

Findings are told when they begin to hold, told anew when they change, and resolved when they no longer hold. Tallies go
to the windows that a change concerns, until the window is past retention; then it is final.

Most plain messages are healthy: that is seen in their columns. Only the others are looked at one by one.
"""

from collections.abc import Iterable

import numpy as np
from msgspec import Struct

from transforms.findings.block_health import healthy
from transforms.findings.block_verdicts import PassTimes, Verdicts
from transforms.findings.findings import MINUTE_MS, Verdict
from transforms.findings.sla import Sla
from transforms.input.dates import NANOS_PER_MILLI
from transforms.input.records import HEADER_READER
from transforms.join.block import NEVER, Block
from transforms.join.block_facts import Message
from transforms.join.block_output import BlockWriter
from transforms.join.trace_table import Flags, Rows
from transforms.state.addresses import STATS, skew_key, window_key
from transforms.state.waits import Waits, earliest
from transforms.stats.block_tally import GroupCounter, TopicCounter
from transforms.stats.clock_bounds import Bounds, clock_bounds
from transforms.stats.stats_facts import BlockPlace, ClockBound, GroupTallied, StatsFact, TopicTallied

_HOUR = 60 * MINUTE_MS
_MINUTE_NANOS = MINUTE_MS * NANOS_PER_MILLI


class JudgeState(Struct, array_like=True, gc=False):
    """What a judge knows beside the facts. A view that is built again must judge when this one does.

    The journal says that time passed and not what was told then: if the view that replays it judged earlier, it would
    hold for told what never was. `bounds` are window (ms), client, other client and ms.
    """

    judge_at: int | None
    sequence: int
    skipped: dict[str, int]
    bounds: list[tuple[int, str, str, int]]


class BlockJudge:
    """See the head of this file."""

    def __init__(
        self, block: Block, writer: BlockWriter, waits: Waits, sla: Sla, *, is_compacted: bool = False
    ) -> None:
        self._block = block
        self._writer = writer
        self._waits = waits
        self._sla = sla
        self._is_compacted = is_compacted
        self._verdicts = Verdicts(block, waits, is_compacted=is_compacted)
        self._judge_at: int | None = None
        #: By group the highest offset that it was seen at since the last judgement.
        self._skipped: dict[str, int] = {}
        #: By window, the bounds of clocks that were told.
        self._bounds: dict[int, Bounds] = {}
        #: How often this block has judged: it numbers what is sent.
        self._sequence = 0
        #: The earliest of what is due.
        self._due_at: int | None = None

    def mark_dirty(self, timestamp: int, now: int) -> None:
        """A fact of this time (ms) has changed something that is marked as touched."""
        if self._judge_at is None:
            self._judge_at = max(self._round(timestamp), now + 1)

    def mark_skipped(self, group: str, offset: int, timestamp: int, now: int) -> None:
        """A fact of this time (ms) says that the group has come to this offset: what it left out below is judged."""
        if offset > self._skipped.get(group, -1):
            self._skipped[group] = offset
        self.mark_dirty(timestamp, now)

    def mark_all_dirty(self, now: int) -> None:
        """What is known of a group or a producer has changed: that concerns all messages."""
        there = self._block.there()
        if there.size:
            self._block.touched[there] = True
            self.mark_dirty(int(self._block.last[there].min()), now)

    def state(self) -> JudgeState:
        """What `restore` takes."""
        bounds = [(window, of, over, ms) for window, told in self._bounds.items() for (of, over), ms in told.items()]
        return JudgeState(self._judge_at, self._sequence, self._skipped, bounds)

    def restore(self, state: JudgeState) -> None:
        """Be what a snapshot says."""
        self._judge_at, self._sequence, self._skipped = state.judge_at, state.sequence, dict(state.skipped)
        self._look_for_due()
        self._bounds = {}
        for window, of, over, ms in state.bounds:
            self._bounds.setdefault(window, {})[of, over] = ms

    def deadline(self) -> int | None:
        """When to judge next."""
        return earliest(self._judge_at, self._due_at)

    def forget_windows(self) -> None:
        """Messages are gone: what was told of windows without any is not needed any more."""
        self._look_for_due()
        if self._bounds:
            block = self._block
            windows = set(block.window[block.plain()].tolist())
            windows.update(window for message in block.messages.values() for window in message.windows)
            self._bounds = {window: bounds for window, bounds in self._bounds.items() if window in windows}

    def judge(self, now: int, end: int | None = None) -> None:
        """Judge what has changed or is due at `now` (ms), of bounded input once, as of its `end`."""
        block = self._block
        now = now if end is None else min(now, end)
        self._sequence += 1
        self._touch_skipped()
        rows = np.flatnonzero((block.touched | (block.due <= now)) & (block.last >= 0))
        block.touched[:] = False
        block.due[rows] = NEVER
        self._judge_at = None
        passes = PassTimes(block)
        is_healthy = healthy(block, rows, self._waits, passes.groups, is_compacted=self._is_compacted)
        windows = self._count_in(rows[is_healthy])
        for row in rows[~is_healthy].tolist():
            offset = block.base + row
            message = block.message(row)
            incarnations = message.incarnations()
            windows |= self._place(row, message, {one.window() for one in incarnations})
            due = self._tell(offset, self._verdicts.of_all(offset, incarnations, passes), now)
            under = [self._counted_under(offset, one, passes, now) for one in incarnations]
            next_due = earliest(due, *under)
            block.due[row] = NEVER if next_due is None else next_due
        self._look_for_due()
        for window in sorted(windows):
            if end is not None or window + MINUTE_MS + self._waits.retention > now:
                self._tally(window, now)

    def _look_for_due(self) -> None:
        due = int(self._block.due.min())
        self._due_at = None if due == NEVER else due

    def _touch_skipped(self) -> None:
        """Touch what the groups that came further have not read; of those whose commits settle one each, all below."""
        block = self._block
        for group, end in self._skipped.items():
            below = np.flatnonzero(block.last[: max(end - block.base, 0)] >= 0)
            if not block.exact:
                is_read: Flags = np.zeros(len(below), np.bool_)
                if group == HEADER_READER:
                    is_read = block.link_timestamps[below] >= 0
                elif group in block.reads:
                    is_read = block.reads[group].nanos[below] != 0
                for place in np.flatnonzero(block.is_object[below]).tolist():
                    message = block.messages[block.base + int(below[place])]
                    is_read[place] = bool(message.links) if group == HEADER_READER else group in message.deliveries
                below = below[~is_read]
            block.touched[below] = True
        self._skipped = {}

    def _count_in(self, rows: Rows) -> set[int]:
        """Count healthy messages in the windows of their SENDs; the windows that change."""
        block = self._block
        windows = block.sends.nanos[rows] // _MINUTE_NANOS * MINUTE_MS
        changed = set(np.unique(windows).tolist()) | set(np.unique(block.window[rows]).tolist())
        block.window[rows] = windows
        return changed - {-1}

    def _place(self, row: int, message: Message, windows: set[int]) -> set[int]:
        """Count the message in these windows; those that change."""
        changed = windows.union(message.windows)
        message.windows = tuple(sorted(windows))
        if not self._block.is_object[row]:
            [self._block.window[row]] = message.windows
        return changed

    def _tell(self, offset: int, verdicts: Iterable[Verdict], now: int) -> int | None:
        """Tell what begins to hold, changes or ends; when the next verdict will hold."""
        found, waiting = self._block.found.get(offset, {}), []
        held: set[str] = set()
        for verdict in verdicts:
            if verdict.deadline is not None and verdict.deadline > now:
                waiting.append(self._round(verdict.deadline))
                continue
            held.add(verdict.id)
            found[verdict.id] = self._writer.tell(offset, verdict, found.get(verdict.id))
        for identity in found.keys() - held:
            self._writer.resolve(offset, found.pop(identity))
        if found:
            self._block.found[offset] = found
        else:
            self._block.found.pop(offset, None)
        return min(waiting, default=None)

    def _counted_under(self, offset: int, message: Message, passes: PassTimes, now: int) -> int | None:
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
        plain = block.plain()
        rows = plain[block.window[plain] == window]
        is_simple = (block.sends.nanos[rows] != 0) & (not block.exact)
        rows, others = rows[is_simple], rows[~is_simple].tolist()
        objects = [offset - block.base for offset, message in block.messages.items() if window in message.windows]
        held = [(block.base + row, block.message(row)) for row in sorted([*others, *objects])]
        messages = [
            (offset, one)
            for offset, message in held
            for one in message.incarnations()
            if one.is_message() and (len(message.windows) == 1 or one.window() == window)
        ]
        lasts = [message.last for _, message in held if message.is_message()]
        lasts += [int(block.last[rows].max())] if rows.size else []
        newest = max(lasts, default=window)
        key, place = window_key(block.topic, window), BlockPlace(block.partition, block.number)
        of_topic = TopicCounter()
        of_topic.add_rows(block, rows)
        for offset, message in messages:
            of_topic.add(offset, message)
        self._send(key, window, TopicTallied(place, of_topic.tally(), newest, self._sequence))
        for group in sorted(block.groups()):
            of_group = GroupCounter(block, group, self._sla, now, self._waits.consumption_buffer)
            of_group.add_rows(rows)
            for offset, message in messages:
                of_group.add(offset, message)
            self._send(key, window, GroupTallied(place, group, of_group.tally(), newest, self._sequence))
        hour = window - window % _HOUR
        told, bounds = self._bounds.get(window, {}), clock_bounds(block, rows, messages)
        for of, over in told | bounds:
            if told.get((of, over)) != bounds.get((of, over)):  # None withdraws what a fact that came later refutes
                ms = bounds.get((of, over))
                bound = ClockBound(f"{block.name}:{window}", of, over, ms, newest, self._sequence)
                self._send(skew_key(min(of, over), max(of, over), hour), window, bound)
        self._bounds[window] = bounds

    def _send(self, key: bytes, window: int, fact: StatsFact) -> None:
        self._writer.outputs.facts.append((STATS, key, window, fact))
