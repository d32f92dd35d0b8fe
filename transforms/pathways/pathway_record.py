"""The pathway of one correlationId through several topics: how it follows from the facts, and its record.

Everything is decided by dates, never by arrival. What cannot be known is left out.
"""

from typing import Any, NamedTuple

from transforms.input.dates import NANOS_PER_MILLI, date_of_nanos, duration_ms
from transforms.input.json_bytes import dump
from transforms.pathways.pathway_facts import Consumed, Sent, Trail


class Hop(NamedTuple):
    """One step: read from a topic by a group (`consumed`), and sent into the next one (`sent`).

    Without `sent` it is a leaf: read and not forwarded. Without `consumed` no group is known that could have sent it.
    `residence` and `from_origin` are in ms; the latter is None where nobody traced the first SEND.
    """

    consumed: Consumed | None
    sent: Sent | None
    residence: int | None
    from_origin: int | None
    is_ambiguous: bool


class Pathway(NamedTuple):
    """Where a message came from and what became of it. Without a traced SEND of the origin only its topic is known."""

    topic: str
    origin: Sent | None
    hops: tuple[Hop, ...]


def work_out(trail: Trail) -> Pathway | None:
    """The pathway of these facts; None when they name one topic only."""
    if not trail.is_in_several_topics():
        return None
    topic, origin = _origin(trail)
    hops: list[Hop] = []
    forwarding: set[tuple[str, str]] = set()
    for sent in trail.sends_into:
        if sent is origin:
            continue
        consumed, is_ambiguous = _forwarder(sent, trail.consumes)
        residence = None if consumed is None else duration_ms(consumed.nanos, sent.nanos)
        hops.append(Hop(consumed, sent, residence, _since(origin, sent), is_ambiguous))
        if consumed is not None:
            forwarding.add((consumed.topic, consumed.group_id))
    for consumed in trail.consumes:
        place = (consumed.topic, consumed.group_id)
        if place not in forwarding:
            forwarding.add(place)  # of several deliveries the first counts
            hops.append(Hop(consumed, None, None, _since(origin, consumed), is_ambiguous=False))
    return Pathway(topic, origin, tuple(sorted(hops, key=_order)))


def _origin(trail: Trail) -> tuple[str, Sent | None]:
    """The topic where it began, and the SEND into it: the first one by date.

    Unless somebody had read it from another topic before: then it began there, and the SEND into that topic is not
    traced or bears the date of a clock that is ahead.
    """
    first = trail.sends_into[0] if trail.sends_into else None
    before = trail.consumes if first is None else _candidates(first, trail.consumes)
    if first is not None and not before:
        return first.topic, first
    topic = before[0].topic
    return topic, next((sent for sent in trail.sends_into if sent.topic == topic), None)


def _candidates(sent: Sent, consumes: list[Consumed]) -> list[Consumed]:
    """The deliveries that may have led to this SEND, in order of date."""
    return [one for one in consumes if one.topic != sent.topic and one.nanos <= sent.nanos]


def _forwarder(sent: Sent, consumes: list[Consumed]) -> tuple[Consumed | None, bool]:
    """The delivery that was forwarded, and whether that is a guess: the same client's, else the latest."""
    before = _candidates(sent, consumes)
    own = [one for one in before if one.client_id == sent.client_id]
    if own:
        return own[-1], False
    return (before[-1] if before else None), len({one.group_id for one in before}) > 1


def _since(origin: Sent | None, fact: Sent | Consumed) -> int | None:
    return None if origin is None else duration_ms(origin.nanos, fact.nanos)


def _order(hop: Hop) -> tuple[int, bool, Sent | Consumed]:
    fact = hop.sent or hop.consumed
    assert fact is not None  # noqa: S101  a hop is one or the other
    return fact.nanos, hop.sent is None, fact


def record(
    correlation_id: str, pathway: Pathway, *, complete: bool, revision: int, cluster: str = ""
) -> tuple[bytes, bytes]:
    """Key and value for the pathway topic. `complete`: nothing was given up, and nothing came for a while."""
    sent = pathway.origin
    origin = {"topic": pathway.topic}
    if sent is not None:
        origin |= {"clientId": sent.client_id, "date": _date(sent.nanos)}
    key = {"correlationId": correlation_id}
    value: dict[str, Any] = {**key, "origin": origin, "hops": [_fields(hop) for hop in pathway.hops]}
    value["complete"] = complete
    if revision > 1:
        value["revision"] = revision
    if cluster:
        value["cluster"] = cluster
    return dump(key), dump(value)


def _fields(hop: Hop) -> dict[str, Any]:
    fields: dict[str, Any] = {}
    if hop.consumed is not None:
        one = hop.consumed
        fields |= {"fromTopic": one.topic, "groupId": one.group_id, "clientId": one.client_id}
        fields["consumedAt"] = _date(one.nanos)
    if hop.sent is not None:
        sent = hop.sent
        fields |= {"toTopic": sent.topic, "sentBy": sent.client_id, "sentAt": _date(sent.nanos)}
    if hop.residence is not None:
        fields["residenceMs"] = hop.residence
    if hop.from_origin is not None:
        fields["fromOriginMs"] = hop.from_origin
    if hop.is_ambiguous:
        fields["ambiguous"] = True
    return fields


def _date(nanos: int) -> str:
    """A date with three, six or nine fraction digits, as many as it takes."""
    fine = nanos % NANOS_PER_MILLI
    return date_of_nanos(nanos, (9 if fine % 1000 else 6) if fine else 3)
