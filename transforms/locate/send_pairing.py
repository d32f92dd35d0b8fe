"""Pairing: the SENDs and the positions of one correlationId in one topic."""

from typing import NamedTuple

from transforms.input.records import UNKNOWN
from transforms.locate.send_facts import CorrelatedSends, Link, Position, Send


class Pairing(NamedTuple):
    """By the id of a SEND its position, if it has one, and the id of the failure that is about it.

    The id is empty where an ACK without an offset says nothing of a failure.
    """

    placed: dict[str, Position]
    answered: dict[str, str]


def pair(known: CorrelatedSends) -> Pairing:
    """Which SEND lies where, and which was answered without an offset.

    First the ACKs in order of date, each with the earliest SEND of its client at or before it. One without an offset
    answers its SEND and does not place it: the message may be in the log all the same. Then the SENDs without a place
    with the positions that are left, both in order of date; positions that were seen before the SEND was sent are left
    out if there are enough others, and always if the SEND's own client read there.
    """
    placed: dict[str, Position] = {}
    answered: dict[str, str] = {}
    links = known.links
    if len(known.sends) == len(links) == 1 and links[0].producer is None and not known.failures:
        _place([known.sends[0]], [links[0]], placed)
        return Pairing(placed, answered)
    waiting = sorted(known.sends, key=lambda send: (send.nanos, send.id))
    answers: list[Send] = []
    first: dict[Position, Link] = {}
    for link in links:
        position = link.position
        if link.offset != UNKNOWN and (position not in first or link.order < first[position].order):
            first[position] = link
    acks = [(link.nanos, link.partition, link.offset, link.producer, "") for link in links if link.producer is not None]
    acks += [(failed.nanos, UNKNOWN, UNKNOWN, failed.client_id, failed.id) for failed in known.failures]
    for nanos, partition, offset, client, identity in sorted(acks):
        position = Position(partition, offset)
        if offset != UNKNOWN and position not in first:
            continue  # another ACK of this position has its SEND
        send = next((one for one in waiting if one.client_id == client and one.nanos <= nanos), None)
        if send is None:
            continue
        waiting.remove(send)
        if offset == UNKNOWN:
            answered[send.id] = identity
            answers.append(send)
        else:
            placed[send.id] = position
            del first[position]
    left = sorted(first.values(), key=lambda link: (link.nanos, link.partition, link.offset))
    _place(sorted([*waiting, *answers], key=lambda send: (send.nanos, send.id)), left, placed)
    return Pairing(placed, answered)


def _place(sends: list[Send], links: list[Link], placed: dict[str, Position]) -> None:
    """Pair these SENDs and positions, both in order of date."""
    spare, left = len(links) - len(sends), iter(links)
    for send in sends:
        for link in left:
            is_before = link.nanos < send.nanos
            if is_before and (spare > 0 or link.reader == send.client_id):
                spare -= 1
                continue
            placed[send.id] = link.position
            break
