"""The incidents of a demo as they happen. Pure; clocks are passed in."""

from collections.abc import Iterable
from typing import NamedTuple

from tracing_aggregator.explain.gather import Value, latest_findings
from tracing_aggregator.explain.incidents.grouped import Incident, incidents

#: Beyond this number the oldest findings are forgotten.
MOST_FINDINGS = 5_000
#: An incident is told when it has not grown for so long: a rewind comes as many findings.
QUIET_S = 3.0
_TIME = slice(len("2026-01-31T"), len("2026-01-31T12:00:00"))


class Told(NamedTuple):
    """An incident with its `id`: the line to show, and below it the command to type, if there is any."""

    id: str
    text: str
    command: str
    is_open: bool


class Incidents:
    """The incidents of all findings so far. `explain` is the command for a message, to which its name is added."""

    def __init__(self, explain: str) -> None:
        self._explain = explain
        self._findings: dict[str, Value] = {}
        #: By id the size at which it was seen, since when, and whether it was told so.
        self._sizes: dict[str, tuple[int, float, bool]] = {}
        self.known: list[Incident] = []

    def take(self, findings: Iterable[Value]) -> None:
        """Take in findings, each in place of what was said before under its id."""
        for finding in findings:
            [known] = latest_findings([*filter(None, [self._findings.pop(finding["id"], None)]), finding])
            self._findings[finding["id"]] = known
        for identity in list(self._findings)[:-MOST_FINDINGS]:
            del self._findings[identity]
        self.known = incidents(self._findings.values())

    def news(self, now_s: float) -> list[Told]:
        """Incidents that are new or have grown, and are quiet now; oldest first."""
        told = []
        for incident in reversed(self.known):
            size = incident.number + sum(incident.consequences.values())
            before, since, is_told = self._sizes.get(incident.id, (0, now_s, False))
            if size != before:
                since, is_told = now_s, False
            if not is_told and now_s - since >= QUIET_S:
                is_told = True
                told.append(self.told(incident))
            self._sizes[incident.id] = size, since, is_told
        return told

    def told(self, incident: Incident) -> Told:
        """The line of an incident, with the command for one of its messages."""
        time = (incident.first or "")[_TIME] or " " * len("12:00:00")
        command = f"{self._explain.format(incident.examples[0])}" if incident.examples else ""
        return Told(incident.id, f"{time} {incident.text}", command, incident.is_open)

    def summary(self) -> str:
        """How many are open."""
        number = sum(incident.is_open for incident in self.known)
        return f"{number} open incident{'' if number == 1 else 's'}"
