"""Verdicts about one correlationId in one topic: its message was produced more than once, or its send failed."""

from collections.abc import Iterator
from typing import Any

from transforms.findings.findings import DUPLICATE_PRODUCED, SEND_FAILED, Verdict
from transforms.input.dates import NANOS_PER_MILLI, date_of
from transforms.input.records import UNKNOWN
from transforms.locate.send_facts import CorrelatedSends, Name, Position
from transforms.locate.send_pairing import Pairing


def duplicates(name: Name, known: CorrelatedSends) -> Iterator[Verdict]:
    """One verdict for each position after the first, by the date at which it was first seen (ties: by position).

    None if several clients produced it, as when it is forwarded to its own topic, or none that is traced.
    """
    if len(known.links) < 2:  # noqa: PLR2004  that is what a duplicate takes
        return
    producers = {send.client_id for send in known.sends}
    producers |= {link.producer for link in known.links if link.producer is not None}
    producers |= {failed.client_id for failed in known.failures}
    dates: dict[Position, int] = {}
    for link in known.links:
        if link.offset != UNKNOWN:
            dates[link.position] = min(link.nanos, dates.get(link.position, link.nanos))
    if len(producers) != 1 or len(dates) < 2:  # noqa: PLR2004
        return
    [client] = producers
    first, *more = sorted(dates, key=lambda position: (dates[position], position))
    topic, correlation = name
    sent = min((send.nanos for send in known.sends), default=None)
    for position in more:
        fields = {
            "partition": position.partition, "offset": position.offset, "topic": topic, "correlationId": correlation,
            "clientId": client, "date": date_of(dates[position] // NANOS_PER_MILLI),
            "produced": None if sent is None else sent // NANOS_PER_MILLI,
            "firstPartition": first.partition, "firstOffset": first.offset,
        }  # fmt: skip
        yield Verdict(DUPLICATE_PRODUCED, f"{topic}:{correlation}:{position.partition}:{position.offset}", None, fields)


def failures(name: Name, known: CorrelatedSends, pairing: Pairing) -> Iterator[Verdict]:
    """One verdict for each ACK that says that the send failed, and whether the message is in the log all the same."""
    topic, correlation = name
    placed = {identity: pairing.placed.get(send) for send, identity in pairing.answered.items()}
    for failed in known.failures:
        fields: dict[str, Any] = {
            "topic": topic, "correlationId": correlation, "clientId": failed.client_id, "date": failed.date,
            "error": failed.error,
        }  # fmt: skip
        position = placed.get(failed.id)
        if position is not None:
            fields |= {"partition": position.partition, "offset": position.offset, "inLog": True}
        yield Verdict(SEND_FAILED, failed.id, None, fields)
