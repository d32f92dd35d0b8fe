"""Which records and findings belong to a subject. What is read may be large, so it is gone through, never kept."""

from collections.abc import Callable, Iterable
from itertools import islice
from typing import Any

from tracing_aggregator.explain.subject import Place, Subject, place_of
from transforms.findings.findings import MINUTE_MS, REWOUND
from transforms.input.dates import NANOS_PER_MILLI, date_of, nanos_of
from transforms.input.records import SEND

Value = dict[str, Any]
"""The JSON value of a record."""

#: A subject with more records than this is not one message.
MAX_RECORDS = 5_000

_DATES = ("date", "firstDate", "deadline", "windowStart")


class TooManyError(Exception):
    """The subject has more than MAX_RECORDS records: a correlationId that many messages bear."""


class WantedMessages:
    """What is known to belong to the subject: correlationIds, positions, and the ids of records."""

    def __init__(self, subject: Subject) -> None:
        self.correlations = {subject.text}
        self.places: set[Place] = {subject.place} if subject.place else set()
        self._home = subject.place
        self._is_followed = subject.is_followed
        self._ids: set[str] = set()
        #: Topics and the minutes in which messages were sent into them, as summaries of findings name them.
        self._windows: set[tuple[str, str]] = set()

    def size(self) -> int:
        """Grows with all that is learned."""
        return len(self.correlations) + len(self.places) + len(self._ids)

    def has(self, record: Value) -> bool:
        """Whether the record itself is about the subject."""
        return record.get("correlationId") in self.correlations or place_of(record) in self.places

    def take(self, record: Value) -> bool:
        """Whether the record is about the subject, or another revision of one that is; learns from it what else is.

        The position asked for names correlationIds; these, and the one asked for, name positions.
        """
        if not (self.has(record) or record.get("id") in self._ids):
            return False
        self._ids.add(record["id"])
        correlation, place = record.get("correlationId"), place_of(record)
        if correlation is not None and place is not None and self._is_followed:
            if place == self._home:
                self.correlations.add(correlation)
            if correlation in self.correlations:
                self.places.add(place)
        if record["type"] == SEND:
            minute = nanos_of(record["date"]) // NANOS_PER_MILLI // MINUTE_MS * MINUTE_MS
            self._windows.add((record["topic"], date_of(minute)))
        return True

    def concerns(self, finding: Value) -> bool:
        """Whether a finding is about the subject.

        A rewind is about every offset that will be delivered again. A summary of many findings may be about every
        message of its minute.
        """
        if self.has(finding):
            return True
        topic = finding.get("topic")
        if topic is None:
            return False
        if finding.get("summary"):
            examples = ({"topic": topic, **example} for example in finding.get("examples", ()))
            return (topic, finding["windowStart"]) in self._windows or any(map(self.has, examples))
        if finding["reason"] != REWOUND:
            return False
        low: int = finding["offset"]
        high: int = finding.get("fromOffset", low)
        return any(
            (place.topic, place.partition) == (finding["topic"], finding["partition"]) and low < place.offset <= high
            for place in self.places
        )


def date_of_finding(finding: Value) -> str | None:
    """When it happened, or what comes nearest to it; None for one without any date."""
    return next((finding[name] for name in _DATES if name in finding), None)


def gather(read: Callable[[], Iterable[Value]], subject: Subject) -> tuple[WantedMessages, list[Value]]:
    """The records about the subject, in the order read: all revisions of each.

    `read` gives the same records at each call. They are read again until nothing new is learned: two or three times.
    Raises TooManyError.
    """
    wanted = WantedMessages(subject)
    size = -1
    taken: list[Value] = []
    while size != wanted.size():
        size = wanted.size()
        taken = list(islice(filter(wanted.take, read()), MAX_RECORDS + 1))
        if len(taken) > MAX_RECORDS:
            raise TooManyError
        if not taken:
            break
    return wanted, taken


def latest(records: Iterable[Value]) -> list[Value]:
    """Per id the record of the highest revision; withdrawn ones drop out."""
    best: dict[str, Value] = {}
    for record in records:
        known = best.get(record["id"])
        if known is None or record.get("revision", 1) >= known.get("revision", 1):
            best[record["id"]] = record
    return [record for record in best.values() if not record.get("withdrawn")]


def latest_findings(findings: Iterable[Value]) -> list[Value]:
    """Per id the last word, with what earlier records of it told; `resolved` holds only if the last one says so."""
    best: dict[str, Value] = {}
    for finding in findings:
        earlier = {name: fact for name, fact in best.get(finding["id"], {}).items() if name != "resolved"}
        best[finding["id"]] = earlier | finding
    return list(best.values())
