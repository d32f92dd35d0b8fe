"""Findings: what went wrong with a message, one record for the anomaly topic each."""

from typing import Any, NamedTuple

from transforms.dates import date_of
from transforms.json_bytes import dump

SEND_FAILED = "send-failed"
UNACKED = "unacked"
UNLINKED = "unlinked"
OVER_CONSUMED = "over-consumed"
REWOUND = "rewound"
GAP = "gap"
#: Not a fault of a message: facts that we gave up because a key held too many.
EVICTED = "evicted"


class Finding(NamedTuple):
    """A finding for the anomaly topic. `deadline` is in event time (ms); None where none had to pass."""

    deadline: int | None
    key: bytes
    value: bytes


def finding(reason: str, subject: str, deadline: int | None = None, *, resolved: bool = False, **known: Any) -> Finding:
    """The finding of this reason about this subject, with all that is known (fields that are None are left out).

    Its id is made of reason and subject, so the same finding always has the same id; `resolved` closes it.
    """
    identity = f"{reason}:{subject}"
    value: dict[str, Any] = {"id": identity, "reason": reason}
    value |= {name: fact for name, fact in known.items() if fact is not None}
    if deadline is not None:
        value["deadline"] = date_of(deadline)
    if resolved:
        value["resolved"] = True
    return Finding(deadline, dump({"id": identity}), dump(value))
