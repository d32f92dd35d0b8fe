"""For tests: what the dashboard's API should say of traffic, from the truth that the traffic wrote down."""

from collections import Counter
from typing import Any

Line = dict[str, Any]
PLACE = ("topic", "partition", "offset")
GROUPS = {"orders": ("billing", "shipping"), "payments": ("accounting",)}
#: What becomes a finding of which reason.
REASONS = {"lost": "lost", "duplicated": "duplicate-produced", "rewound": "rewound"}


def of(lines: list[Line], what: str, **fields: object) -> list[Line]:
    return [line for line in lines if line["what"] == what and all(line.get(name) == fields[name] for name in fields)]


def place(line: Line) -> tuple[Any, ...]:
    return tuple(line[field] for field in PLACE)


def flows(lines: list[Line]) -> dict[str, Any]:
    """By topic the messages that its producers were told of; by topic and group what became of them there.

    `unread` are lines of a test: messages that others wrote, so late that nobody need have read them.
    """
    told: dict[str, Any] = {}
    for topic, groups in GROUPS.items():
        produced = {place(line) for what in ("produced", "lost") for line in of(lines, what, topic=topic)}
        young = len(of(lines, "unread", topic=topic))
        told[topic] = {"produced": len(produced) + young, "sent": len(produced), "acked": len(produced)}
        for group in groups:
            deliveries = of(lines, "consumed", topic=topic, groupId=group)
            read = {place(line) for line in deliveries}
            told[f"{topic} {group}"] = {
                "expected": len(produced) + young,
                "actual": len(read),
                "over": len(deliveries) - len(read),
                "under": len(produced - read),
                "committed": len(read),
            }
    return told


def findings(lines: list[Line]) -> Counter[tuple[str, str, str]]:
    """Numbers of findings by reason, topic and group."""
    found = Counter(
        (reason, line["topic"], line.get("groupId", "")) for what, reason in REASONS.items() for line in of(lines, what)
    )
    found += Counter(("unconsumed", line["topic"], group) for line in of(lines, "lost") for group in GROUPS["orders"])
    again = (line for line in of(lines, "consumed") if line["delivery"] > 1)
    return found + Counter(("over-consumed", line["topic"], line["groupId"]) for line in again)


def traces(lines: list[Line]) -> Counter[tuple[str, str, str]]:
    """Numbers of traces by type, group and client; of COMMITs those of groups to which nothing happened."""
    counted: Counter[tuple[str, str, str]] = Counter()
    for what in ("produced", "lost"):
        for line in of(lines, what):
            counted += Counter({("SEND", "", line["clientId"]): 1, ("ACK", "", line["clientId"]): 1})
    for line in of(lines, "consumed"):
        counted["CONSUME", line["groupId"], line["clientId"]] += 1
        if line["groupId"] in {"billing", "accounting"}:
            counted["COMMIT", line["groupId"], line["clientId"]] += 1
    return counted


def messages(lines: list[Line]) -> dict[tuple[Any, ...], Counter[tuple[str, str, str]]]:
    """By position of each message its SEND, ACK and CONSUMEs: type, group and correlationId."""
    found: dict[tuple[Any, ...], Counter[tuple[str, str, str]]] = {}
    for what in ("produced", "lost"):
        for line in of(lines, what):
            found[place(line)] = Counter((kind, "", line["correlationId"]) for kind in ("SEND", "ACK"))
    for line in of(lines, "consumed"):
        found[place(line)]["CONSUME", line["groupId"], line["correlationId"]] += 1
    return found
