"""Verdicts about one correlationId in one topic: that its message was produced more than once."""

from collections.abc import Iterator

from transforms.dates import NANOS_PER_MILLI, date_of
from transforms.findings import DUPLICATE_PRODUCED, Verdict
from transforms.flight_coder import Name
from transforms.send_pairing import FAILED, Flight, Position


def duplicates(name: Name, flight: Flight) -> Iterator[Verdict]:
    """One verdict for each position after the first, by the date at which it was first seen (ties: by position).

    None if several clients produced it, as when it is forwarded to its own topic, or none that is traced.
    """
    if len(flight.links) < 2:  # noqa: PLR2004  that is what a duplicate takes
        return
    producers = {send.client_id for send in flight.sends}
    producers |= {link.client_id for link in flight.links if link.client_id is not None}
    dates: dict[Position, int] = {}
    for link in flight.links:
        position = Position(link.partition, link.offset)
        dates[position] = min(link.nanos, dates.get(position, link.nanos))
    dates.pop(FAILED, None)
    if len(producers) != 1 or len(dates) < 2:  # noqa: PLR2004
        return
    [client] = producers
    first, *more = sorted(dates, key=lambda position: (dates[position], *position))
    topic, correlation = name
    sent = min((send.nanos for send in flight.sends), default=None)
    for position in more:
        known = {
            "partition": position.partition, "offset": position.offset, "topic": topic, "correlationId": correlation,
            "clientId": client, "date": date_of(dates[position] // NANOS_PER_MILLI),
            "produced": None if sent is None else sent // NANOS_PER_MILLI,
            "firstPartition": first.partition, "firstOffset": first.offset,
        }  # fmt: skip
        yield Verdict(DUPLICATE_PRODUCED, f"{topic}:{correlation}:{position.partition}:{position.offset}", None, known)
