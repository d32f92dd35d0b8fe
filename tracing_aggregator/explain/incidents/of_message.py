"""Which incidents a message was part of. The other findings of an incident are about other messages."""

from collections.abc import Callable, Iterable
from itertools import chain

from tracing_aggregator.explain.gather import Value, date_of_finding, latest_findings
from tracing_aggregator.explain.incidents.grouped import RUN_NS, Incident, incidents
from transforms.input.dates import nanos_of

#: Around the findings of a message so long is looked for others of the same incident.
AROUND_NS = 10 * RUN_NS
#: More are not grouped: the nearest in time are enough to name the incident.
_MOST = 20_000


def incidents_of(read: Callable[[], Iterable[Value]], about: Iterable[Value]) -> tuple[Incident, ...]:
    """The incidents, oldest first, that these findings of a message belong to.

    `read` gives all findings, those of one id in order; it is called once, and only if there is a finding.
    """
    ids = {finding["id"] for finding in about}
    if not ids:
        return ()
    topics = {finding.get("topic") for finding in about}
    dates = [nanos_of(date) for finding in about if (date := date_of_finding(finding)) is not None]
    begin, end = min(dates, default=0) - AROUND_NS, max(dates, default=0) + AROUND_NS

    def is_near(finding: Value) -> bool:
        date = date_of_finding(finding)
        return finding.get("topic") in topics and date is not None and begin <= nanos_of(date) <= end

    near = [finding for finding in read() if finding["id"] in ids or is_near(finding)]
    found = incidents(latest_findings(near[-_MOST:]))
    return tuple(one for one in reversed(found) if ids & {of["id"] for of in chain(one.findings, one.folded)})
