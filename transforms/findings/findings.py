"""Findings: what went wrong with a message, one record for the anomaly topic each."""

from typing import Any, NamedTuple

from transforms.input.dates import NANOS_PER_MILLI, date_of, nanos_of
from transforms.input.json_bytes import dump

SEND_FAILED = "send-failed"
UNACKED = "unacked"
UNLINKED = "unlinked"
LOST = "lost"
DUPLICATE_PRODUCED = "duplicate-produced"
UNCONSUMED = "unconsumed"
UNCOMMITTED = "uncommitted"
OVER_CONSUMED = "over-consumed"
REWOUND = "rewound"
GAP = "gap"
STALLED = "stalled"
NEGATIVE_LATENCY = "negative-latency"
LATE = "late"
#: Not a fault of a message: its offset was another's before, so the topic was made anew, or its log lost its end.
LOG_RESTARTED = "log-restarted"
#: Not a fault of a message: records of a topic that we read which were gone before we read them.
INPUT_LOST = "input-lost"
#: Not a fault of a message: facts that we gave up because a key held too many.
EVICTED = "evicted"

#: Findings are counted per minute of the message's produce time, in ms.
MINUTE_MS = 60_000


class Finding(NamedTuple):
    """A finding for the anomaly topic. `value` is its record; the other fields say what it is counted under.

    `deadline` is in event time (ms); None where none had to pass. `minute` is the start (ms) of the minute in which
    the message was produced, else of the finding's `date`; 0 if it has neither.
    """

    deadline: int | None
    reason: str
    topic: str | None
    group: str | None
    minute: int
    id: str
    resolved: bool
    value: bytes

    @property
    def key(self) -> bytes:
        """The key of its record: what comes later under the same id replaces it."""
        return key_of(self.id)


class Verdict(NamedTuple):
    """A finding that holds from `deadline` (ms of event time) on; None: at once. `known` are fields of its record."""

    reason: str
    subject: str
    deadline: int | None
    known: dict[str, Any]

    @property
    def id(self) -> str:
        """The id of its record."""
        return f"{self.reason}:{self.subject}"


class Found(NamedTuple):
    """A verdict that was told and is not resolved. `minute` (ms) is the one it was counted in, once and for all."""

    reason: str
    subject: str
    deadline: int | None
    minute: int
    known: dict[str, Any]


def tell(verdict: Verdict, told: Found | None, **place: Any) -> tuple[Found, Finding | None]:
    """What is to be remembered of a verdict that holds, and its finding if it says something new.

    `place` are fields that all findings of a view share.
    """
    if told is not None and (told.known, told.deadline) == (verdict.known, verdict.deadline):
        return told, None
    reason, subject, deadline, known = verdict
    minute = None if told is None else told.minute
    found = finding(reason, subject, deadline, minute=minute, **place, **known)
    return Found(reason, subject, deadline, found.minute, known), found


def resolve(told: Found, **place: Any) -> Finding:
    """The finding that closes what was told."""
    return finding(
        told.reason, told.subject, told.deadline, resolved=True, minute=told.minute, **place, **told.known
    )  # fmt: skip


def finding(
    reason: str,
    subject: str,
    deadline: int | None = None,
    *,
    resolved: bool = False,
    produced: int | None = None,
    minute: int | None = None,
    **known: Any,
) -> Finding:
    """The finding of this reason about this subject, with all that is known (fields that are None are left out).

    Its id is made of reason and subject, so the same finding always has the same id; `resolved` closes it. It is
    counted by `topic`, `groupId` and `minute` (ms), which is that of `produced` (ms; becomes `producedAt`) or else of
    `date`: say all three again, unchanged, when it is resolved or told anew.
    """
    identity = f"{reason}:{subject}"
    value: dict[str, Any] = {"id": identity, "reason": reason}
    value |= {name: fact for name, fact in known.items() if fact is not None}
    if produced is not None:
        value["producedAt"] = date_of(produced)
    if deadline is not None:
        value["deadline"] = date_of(deadline)
    if resolved:
        value["resolved"] = True
    minute = _minute(produced, known.get("date")) if minute is None else minute
    return Finding(deadline, reason, known.get("topic"), known.get("groupId"), minute, identity, resolved, dump(value))


def key_of(identity: str) -> bytes:
    """The key of the anomaly record with this id."""
    return dump({"id": identity})


def _minute(produced: int | None, date: str | None) -> int:
    if produced is None:
        produced = 0 if date is None else nanos_of(date) // NANOS_PER_MILLI
    return produced - produced % MINUTE_MS
