"""The timeline of a subject: every message of it, in every topic, hop by hop."""

from collections import defaultdict
from collections.abc import Iterable

from tracing_aggregator.explain.gather import Value, WantedMessages, date_of_finding, gather, latest, latest_findings
from tracing_aggregator.explain.steps import nanos, steps_of
from tracing_aggregator.explain.subject import Place, Subject, place_of
from tracing_aggregator.explain.timeline_model import Timeline, TimelineMessage
from transforms.input.dates import nanos_of
from transforms.input.records import ACK, CONSUME, SEND


def timeline(records: Iterable[Value], findings: Iterable[Value], subject: Subject) -> Timeline:
    """What the values of these records and findings say about the subject, in whatever order they come.

    The findings of one id count in the order given.
    """
    known = latest(records)
    wanted, taken = gather(lambda: known, subject)
    about = tuple(sorted(filter(wanted.concerns, latest_findings(findings)), key=_finding_order))
    taken = sorted((record for record in taken if wanted.has(record)), key=_order)
    dates = [nanos(record) for record in taken]
    origin = min((nanos(record) for record in taken if record["type"] == SEND), default=min(dates, default=0))
    messages = _messages(taken, about, origin)
    return Timeline(subject, _correlations(messages, wanted, subject), messages, about)


def _order(record: Value) -> tuple[int, str]:
    return nanos(record), record["id"]


def _finding_order(finding: Value) -> tuple[int, str]:
    """By date, whatever partition of the topic they came from."""
    date = date_of_finding(finding)
    return nanos_of(date) if date else 0, finding["id"]


def _messages(taken: list[Value], findings: tuple[Value, ...], origin: int) -> tuple[TimelineMessage, ...]:
    placed: dict[Place, list[Value]] = defaultdict(list)
    unplaced: list[Value] = []
    for record in taken:
        place = place_of(record)
        if place is None:
            unplaced.append(record)
        else:
            placed[place].append(record)
    groups: list[tuple[Place | None, list[Value]]] = [*placed.items(), *((None, group) for group in _sent(unplaced))]
    groups.sort(key=lambda group: _order(group[1][0]))
    hops: dict[str, int] = {}
    messages: list[TimelineMessage] = []
    reads: list[tuple[int, str, str]] = []
    for place, records in groups:
        topic = records[0]["topic"]
        about = [one for one in findings if not one.get("resolved") and _is_about(one, place, records)]
        steps = tuple(steps_of(place, records, about, origin, reads))
        messages.append(TimelineMessage(hops.setdefault(topic, len(hops) + 1), topic, place, _named(records), steps))
        reads += [(nanos(one), one["groupId"], str(place)) for one in records if one["type"] == CONSUME]
    return tuple(messages)


def _sent(unplaced: list[Value]) -> list[list[Value]]:
    """Records without a position by message: each SEND is one, and an ACK that failed goes to the SEND before it."""
    messages: list[list[Value]] = []
    for record in unplaced:
        before = [
            one
            for one in messages
            if record["type"] == ACK
            and (one[0]["type"], one[0]["topic"], one[0]["clientId"]) == (SEND, record["topic"], record["clientId"])
            and len(one) == 1
        ]
        if before:
            before[0].append(record)
        else:
            messages.append([record])
    return messages


def _is_about(finding: Value, place: Place | None, records: list[Value]) -> bool:
    if place is not None:
        return place_of(finding) == place
    return place_of(finding) is None and any(finding["id"].endswith(f":{record['id']}") for record in records)


def _named(records: list[Value]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(one["correlationId"] for one in records if one.get("correlationId") is not None))


def _correlations(messages: tuple[TimelineMessage, ...], wanted: WantedMessages, subject: Subject) -> tuple[str, ...]:
    """The correlationIds followed, in order of appearance; those read beside them are with their message."""
    named = dict.fromkeys(name for message in messages for name in message.correlation_ids)
    followed = tuple(name for name in named if name in wanted.correlations or not subject.is_followed)
    return followed or ((subject.text,) if subject.place is None else ())
