"""Clients that produce nothing of their own: what they send, they have read as members of one group."""

from tracing_aggregator.dashboard.span import TimeSpan
from tracing_aggregator.dashboard.store import Reader
from transforms.input.dates import NANOS_PER_SECOND

#: Of all clients together so many of the newest messages are looked through, of each and each topic at least so many.
_LOOKED_AT, _LEAST = 2000, 20
#: Younger messages are left out: their CONSUME may come to the store after their SEND.
_SETTLES_NS = 10 * NANOS_PER_SECOND

_OF_ONE_GROUP = (
    "SELECT clientId, max(groupId) AS groupId FROM kinds WHERE type = 'CONSUME' AND clientId <> '' AND stored > 0 "
    "GROUP BY clientId HAVING count(DISTINCT groupId) = 1 AND max(groupId) <> ''"
)
_FORWARDED = (
    "SELECT count(*) AS sent, sum(EXISTS (SELECT 1 FROM traces AS read JOIN kinds USING (kind) WHERE "
    "read.correlationId = newest.correlationId AND read.date <= newest.date AND type = 'CONSUME' "
    "AND clientId = :clientId)) AS forwarded FROM (SELECT correlationId, date FROM traces WHERE kind = :kind "
    "AND date >= :since AND date < :until ORDER BY date DESC LIMIT :most) AS newest"
)


def forwarders(reader: Reader, span: TimeSpan) -> dict[str, str]:
    """By client its group: every message that it sent in the span it had read before, under the same correlationId.

    Of many messages the newest are looked at.
    """
    sends = reader.rows(
        "SELECT kind, clientId, member.groupId AS groupId FROM kinds "  # noqa: S608  texts of ours
        f"JOIN ({_OF_ONE_GROUP}) AS member USING (clientId) WHERE type = 'SEND' AND stored > 0"
    )
    since, until = span.nanos
    settled = (reader.value("SELECT max(date) FROM traces") or 0) - _SETTLES_NS
    bounds = {"since": since, "until": min(until, settled), "most": max(_LEAST, _LOOKED_AT // max(1, len(sends)))}
    groups: dict[str, str] = {}
    own: set[str] = set()
    for row in sends:
        [seen] = reader.rows(_FORWARDED, {"kind": row["kind"], "clientId": row["clientId"], **bounds})
        if seen["sent"]:
            groups[row["clientId"]] = row["groupId"]
            if seen["forwarded"] < seen["sent"]:
                own.add(row["clientId"])
    return {client: group for client, group in groups.items() if client not in own}
