"""Event time of a partition: the time that no later record of it falls below, in ms. It holds Beam's watermark.

A partition with unread records holds event time at what was read; one that was read to its end, or that never had a
record, follows the clock.
"""

#: How far a broker's clock may be behind ours, and how late its answer may be, in ms.
BROKER_MARGIN_MS = 500


def promised(
    before: int, newest_ms: int | None, *, at_end: bool, now_ms: int, has_append_time: bool, max_delay_ms: int
) -> int:
    """What a partition promises now.

    Args:
        before: what it promised last; a promise is never taken back.
        newest_ms: the latest timestamp among the records read since then; None where there were none.
        at_end: whether all of it was read at `now_ms`.
        now_ms: our clock.
        has_append_time: whether brokers date the records (LogAppendTime): then their times only grow.
        max_delay_ms: with CreateTime, how late a record may come after one with a later time.
    """
    promises = [before]
    if newest_ms is not None:
        promises.append(newest_ms if has_append_time else min(newest_ms, now_ms) - max_delay_ms)
    if at_end:
        promises.append(now_ms - (BROKER_MARGIN_MS if has_append_time else max_delay_ms))
    return max(promises)


class Pace:
    """When a reader polls next: at once while it has a backlog, a little later once all is read.

    Flink's runner emits the watermark of a step only between two bundles, so the next poll must be due later than
    the end of this one's bundle. With a backlog that is left out, but for once a second. How long a bundle goes on
    after its poll is not told; but a poll that comes late was held up by it, and the next pauses are longer.
    """

    def __init__(self, bundle_s: float) -> None:
        self._bundle_s = bundle_s
        self._pause_s = _SHORTEST_S
        self._due_s = 0.0
        self._paused_s = 0.0

    def next_poll_s(self, began_s: float, now_s: float, *, has_more: bool) -> float:
        """The time of the next poll, in seconds of the clock; this one's bundle began at `began_s`."""
        if self._due_s:
            is_late = began_s - self._due_s > _PUNCTUAL_S
            self._pause_s = min(self._pause_s * 2, _LONGEST_S) if is_late else max(self._pause_s * 0.98, _SHORTEST_S)
        if has_more and now_s - self._paused_s < _BREATH_S:
            self._due_s = 0.0
            return now_s
        self._paused_s = now_s
        # A bundle ends when it is older than its time at a check, and checks come every half of that.
        self._due_s = max(now_s, began_s + 1.5 * self._bundle_s) + self._pause_s
        return self._due_s


_BREATH_S = 1.0
_SHORTEST_S, _LONGEST_S = 0.01, 0.2
#: From the time for which a timer is set to the start of its bundle in Python.
_PUNCTUAL_S = 0.008
