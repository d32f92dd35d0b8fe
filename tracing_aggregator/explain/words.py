"""Durations, causes and reasons as a person says them."""

from transforms.input.dates import NANOS_PER_MILLI, NANOS_PER_SECOND

_MINUTE, _HOUR, _DAY = 60, 3600, 86400
_TENTHS_BELOW_S = 10

#: Stands for the group of consumers that have none: they were assigned their partitions.
NO_GROUP = "(no group)"

CAUSES = {
    "rewind": "the group went back",
    "rebalance": "another client of the group took over",
    "redelivery": "it was not committed in between",
    "possibly-aborted": "no group read it: it may be part of an aborted transaction",
}

REASONS = {
    "send-failed": "the broker did not take it",
    "unacked": "sent, and not acknowledged in time",
    "unlinked": "nothing said where it lies, or which message it is",
    "lost": "acknowledged, and not in the log, which was read past it",
    "unconsumed": "the group went past it without reading it",
    "uncommitted": "read, and not committed in time",
    "over-consumed": "read again by the same group",
    "duplicate-produced": "one correlationId at two positions of one topic",
    "negative-latency": "dated before what caused it: clocks disagree",
    "log-restarted": "its offset was another message's before: the log began anew",
    "late": "its partner came after the hold was over",
    "rewound": "the group committed an offset below the one before",
    "gap": "the group committed very far ahead at once",
    "stalled": "the group has members and commits nothing, while messages wait",
    "input-lost": "records were gone before the aggregator read them",
    "evicted": "facts were given up: too many were open",
}


def elapsed(nanos: int) -> str:
    """A time span given in nanoseconds: `0.4 ms`, `12 ms`, `3.2 s`, `2 min 5 s`, `3 h 12 min`, `2 d 3 h`."""
    if nanos < 0:
        return f"-{elapsed(-nanos)}"
    millis, seconds = nanos // NANOS_PER_MILLI, nanos // NANOS_PER_SECOND
    if millis == 0:
        return f"{nanos / NANOS_PER_MILLI:.1f} ms" if nanos else "0 ms"
    if seconds == 0:
        return f"{millis} ms"
    if seconds < _TENTHS_BELOW_S:
        return f"{millis // 100 / 10} s"
    if seconds < _MINUTE:
        return f"{seconds} s"
    for unit, name, part, part_name in (
        (_DAY, "d", _HOUR, "h"),
        (_HOUR, "h", _MINUTE, "min"),
        (_MINUTE, "min", 1, "s"),
    ):
        if seconds >= unit:
            rest = seconds % unit // part
            return f"{seconds // unit} {name}" + (f" {rest} {part_name}" if rest else "")
    raise AssertionError(nanos)


def apart(start_nanos: int, end_nanos: int) -> tuple[str, str]:
    """How long from one date to another, and what to add when the second lies before the first."""
    return elapsed(end_nanos - start_nanos), "" if end_nanos >= start_nanos else "; their clocks disagree"
