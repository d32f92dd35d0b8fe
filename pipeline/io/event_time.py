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


def next_poll_s(began_s: float, now_s: float, breathed_s: float, *, bundle_s: float, has_more: bool) -> float:
    """When a reader polls next: at once while it has a backlog, later once all is read. In seconds of the clock.

    Flink's runner emits a step's watermark only between two bundles: the next poll must be due later than the end of
    the bundle that began at `began_s`, which comes half a bundle time late at most. With a backlog that is left out,
    but for once a second (`breathed_s`: when last).
    """
    if has_more and now_s - breathed_s < _BREATH_S:
        return now_s
    return max(now_s, began_s + 1.5 * bundle_s) + _AFTER_BUNDLE_S


_BREATH_S = 1.0
#: From the end of a poll in Python to the end of its bundle in Flink.
_AFTER_BUNDLE_S = 0.008
