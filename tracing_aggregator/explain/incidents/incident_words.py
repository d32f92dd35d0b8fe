"""An incident as a person says it."""

from collections.abc import Sequence
from typing import Any

from tracing_aggregator.explain.words import CAUSES, NO_GROUP, REASONS
from transforms.findings.findings import (
    DUPLICATE_PRODUCED,
    GAP,
    LATE,
    LOST,
    NEGATIVE_LATENCY,
    OVER_CONSUMED,
    REWOUND,
    SEND_FAILED,
    UNACKED,
    UNCOMMITTED,
    UNCONSUMED,
    UNLINKED,
)  # fmt: skip

Value = dict[str, Any]

#: How many messages did what: the words after the number and the topic.
_HAPPENED = {
    SEND_FAILED: "refused by the broker",
    UNACKED: "never acknowledged to the producer",
    UNLINKED: "never linked to a position",
    LOST: "lost: acknowledged, and not in the log",
    DUPLICATE_PRODUCED: "written twice by one client",
    NEGATIVE_LATENCY: "dated before they were sent: clocks disagree",
    LATE: "traced late: the partner came after its hold",
}


def count_of(finding: Value) -> int:
    """How many findings it stands for: those that a summary has open, or has found once it is resolved."""
    if not finding.get("summary"):
        return 1
    return int(finding.get("count", 0)) or int(finding.get("found", 1))


def sentence(
    reason: str, topic: str | None, group: str | None, findings: Sequence[Value], folded: Sequence[Value]
) -> str:
    """What happened, with its consequences: `shipping went back 20 offsets in orders: 58 messages read again`."""
    count = sum(map(count_of, findings))
    who = group or NO_GROUP
    of = f" of {topic}" if topic else ""
    if reason == REWOUND:
        text = f"{who} went back {_plural(_jump(findings), 'offset')} in {topic}"
    elif reason == GAP:
        text = f"{who} jumped ahead {_plural(_jump(findings), 'offset')} in {topic}"
    elif reason == OVER_CONSUMED:
        why = CAUSES.get(findings[0].get("cause", ""))
        text = f"{who} read {_plural(count, 'message')}{of} again" + (f": {why}" if why else "")
    elif reason == UNCONSUMED:
        text = f"{who} went past {_plural(count, 'message')}{of} without reading {_it(count)}"
    elif reason == UNCOMMITTED:
        text = f"{who} read {_plural(count, 'message')}{of} and did not commit {_it(count)} in time"
    elif reason in _HAPPENED:
        text = f"{_plural(count, 'message')}{of} {_HAPPENED[reason]}"
    else:
        text = f"{_plural(count, 'finding')}{of}: {REASONS.get(reason, reason)}"
    parts = [_consequence(one, folded) for one in dict.fromkeys(finding["reason"] for finding in folded)]
    return "; ".join([text, *parts]) if reason not in {REWOUND, GAP} or not parts else f"{text}: {'; '.join(parts)}"


def _consequence(reason: str, folded: Sequence[Value]) -> str:
    about = [one for one in folded if one["reason"] == reason]
    count = sum(map(count_of, about))
    groups = " and ".join(sorted({one["groupId"] or NO_GROUP for one in about if "groupId" in one}))
    if reason == OVER_CONSUMED:
        return f"{_plural(count, 'message')} read again"
    if reason == UNCONSUMED:
        return f"{groups} did not read {_it(len({(one.get('partition'), one.get('offset')) for one in about}))}"
    return f"{count} {reason}"


def _jump(findings: Sequence[Value]) -> int:
    return sum(abs(one.get("fromOffset", one["offset"]) - one["offset"]) for one in findings if "offset" in one)


def _plural(number: int, noun: str) -> str:
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def _it(number: int) -> str:
    return "it" if number == 1 else "them"
