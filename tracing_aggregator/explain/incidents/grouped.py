"""Incidents: findings that have one cause, as one line. Pure; the dashboard, the terminal and `explain` share it."""

from collections import defaultdict
from collections.abc import Iterable
from typing import Any, NamedTuple

from tracing_aggregator.explain.incidents.incident_words import count_of, sentence
from tracing_aggregator.explain.subject import Place, place_of
from transforms.findings.findings import (
    GAP,
    LOST,
    OVER_CONSUMED,
    REWOUND,
    SEND_FAILED,
    UNACKED,
    UNCOMMITTED,
    UNCONSUMED,
    UNLINKED,
)  # fmt: skip
from transforms.input.dates import NANOS_PER_SECOND, nanos_of

Value = dict[str, Any]
"""The JSON value of a finding, as `tracing_aggregator.explain.gather.latest_findings` gives it."""

#: Findings of one kind belong to one run while the next comes within this time.
RUN_NS = 60 * NANOS_PER_SECOND
#: Commits below the one before, of several partitions, are one rewind if they come within this time.
_REWIND_NS = 30 * NANOS_PER_SECOND
_EXAMPLES = 5
#: What a finding of a message may bring about: at the same position, or under the same correlationId.
_FOLLOWS = {
    LOST: (UNCONSUMED, UNACKED, UNLINKED, UNCOMMITTED),
    SEND_FAILED: (UNLINKED,),
}
_DATES = ("date", "firstDate", "deadline", "windowStart")


class Incident(NamedTuple):
    """One thing that happened. `id` is that of its first finding, so it stays while the incident grows.

    `first` and `last` are dates of its findings, the consequences among them, None where they have none. `number` says
    how many findings are of its own reason, `consequences` how many are folded in, by reason; a summary counts for all
    that it stands for. `examples` are subjects that `explain` takes. `is_open`: at least one finding is not resolved.
    """

    id: str
    reason: str
    topic: str | None
    group: str | None
    first: str | None
    last: str | None
    number: int
    consequences: dict[str, int]
    examples: tuple[str, ...]
    is_open: bool
    findings: tuple[Value, ...]
    folded: tuple[Value, ...]

    @property
    def text(self) -> str:
        """What happened, in one line without a date."""
        return sentence(self.reason, self.topic, self.group, self.findings, self.folded)


def incidents(findings: Iterable[Value]) -> list[Incident]:
    """All incidents that these findings tell of, the newest first.

    Each finding belongs to exactly one: a consequence to the incident of its cause, whatever is left to a run of its
    kind (reason, topic, group, cause).
    """
    ordered = sorted(findings, key=lambda one: (_nanos(one), one["id"]))
    rewinds = _runs([one for one in ordered if one["reason"] == REWOUND], _REWIND_NS)
    cause_of = _Causes(ordered, rewinds)
    folded: dict[str, list[Value]] = defaultdict(list)
    own: list[Value] = []
    for one in ordered:
        root = cause_of(one)
        if root is None:
            own.append(one)
        else:
            folded[root].append(one)
    runs = [*rewinds, *_runs([one for one in own if one["reason"] != REWOUND], RUN_NS)]
    found = [_incident(run, [one for root in run for one in folded.get(root["id"], ())]) for run in runs]
    return sorted(found, key=lambda one: (one.last or "", one.id), reverse=True)


class _Causes:
    """Finds the finding that another one follows from. Only first-hand causes: no chain is longer than one."""

    def __init__(self, ordered: list[Value], rewinds: list[list[Value]]) -> None:
        self._by_message: dict[tuple[str, object], str] = {}
        for one in ordered:
            if one["reason"] in _FOLLOWS and not one.get("summary"):
                for name in _names(one):
                    self._by_message.setdefault((one["reason"], name), one["id"])
        self._rewinds = _by_flow(one for run in rewinds for one in run)
        self._gaps = _by_flow(one for one in ordered if one["reason"] == GAP)

    def __call__(self, finding: Value) -> str | None:
        """The id of its cause; None if it has none that is known."""
        reason = finding["reason"]
        for cause, consequences in _FOLLOWS.items():
            if reason in consequences:
                for name in _names(finding):
                    if (cause, name) in self._by_message:
                        return self._by_message[cause, name]
        if reason == OVER_CONSUMED and (finding.get("cause") == "rewind" or finding.get("summary")):
            return self._jumped(self._rewinds, finding, lambda jump, offset: offset <= jump["fromOffset"])
        if reason == UNCONSUMED:
            return self._jumped(self._gaps, finding, lambda jump, at: jump["fromOffset"] < at <= jump["offset"])
        return None

    @staticmethod
    def _jumped(jumps: dict[tuple[Any, ...], list[Value]], finding: Value, covers: Any) -> str | None:
        """The jump of the finding's group over its offset, the nearest in time."""
        examples = finding.get("examples", ()) if finding.get("summary") else (finding,)
        best = min(
            (
                (abs(_nanos(jump) - _nanos(finding)), jump["id"])
                for one in examples
                for jump in jumps.get((finding.get("groupId"), finding.get("topic"), one.get("partition")), ())
                if "fromOffset" in jump and "offset" in one and covers(jump, one["offset"])
            ),
            default=None,
        )
        return None if best is None else best[1]


def _by_flow(jumps: Iterable[Value]) -> dict[tuple[Any, ...], list[Value]]:
    flows: dict[tuple[Any, ...], list[Value]] = defaultdict(list)
    for one in jumps:
        flows[one.get("groupId"), one.get("topic"), one.get("partition")].append(one)
    return flows


def _names(finding: Value) -> list[Place | str]:
    """What a message is known by, the position before the correlationId."""
    place, correlation = place_of({"topic": "", **finding}), finding.get("correlationId")
    return [name for name in (place, correlation) if name is not None]


def _runs(ordered: Iterable[Value], within_ns: int) -> list[list[Value]]:
    """Findings of one kind, each within that time of the one before."""
    runs: list[list[Value]] = []
    newest: dict[tuple[Any, ...], list[Value]] = {}
    for one in ordered:
        kind = one["reason"], one.get("topic"), one.get("groupId"), _cause(one)
        run = newest.get(kind)
        if run is None or _nanos(one) - _nanos(run[-1]) > within_ns:
            run = newest[kind] = []
            runs.append(run)
        run.append(one)
    return runs


def _cause(finding: Value) -> str | None:
    """Why something was read again; a message that perhaps was aborted is one that was not read, like others."""
    return finding.get("cause") if finding["reason"] == OVER_CONSUMED else None


def _incident(run: list[Value], folded: list[Value]) -> Incident:
    first = run[0]
    consequences: dict[str, int] = defaultdict(int)
    for one in folded:
        consequences[one["reason"]] += count_of(one)
    dates = [date for one in (*run, *folded) if (date := _date(one)) is not None]
    dates.sort(key=nanos_of)
    places = [place for one in (*run, *folded) for place in _subjects(one)]
    return Incident(
        first["id"], first["reason"], first.get("topic"), first.get("groupId"),
        dates[0] if dates else None, dates[-1] if dates else None, sum(map(count_of, run)), dict(consequences),
        tuple(dict.fromkeys(places))[:_EXAMPLES], not all(one.get("resolved") for one in (*run, *folded)),
        tuple(run), tuple(folded),
    )  # fmt: skip


def _subjects(finding: Value) -> list[str]:
    """Messages that it is about, as `explain` takes them."""
    if finding.get("summary"):
        examples = [{"topic": finding.get("topic", ""), **one} for one in finding.get("examples", ())]
        return [str(place) for one in examples if (place := place_of(one))]
    if finding["reason"] in {REWOUND, GAP, "evicted"}:
        return []
    return [str(name) for name in _names(finding)[:1]]


def _date(finding: Value) -> str | None:
    return next((finding[name] for name in _DATES if name in finding), None)


def _nanos(finding: Value) -> int:
    date = _date(finding)
    return nanos_of(date) if date else 0
