"""What holds when a run is over: its outputs are those of the reference, and its counters add up."""

from collections import Counter
from collections.abc import Iterable
from typing import Any

import pytest

from tests.histories import Item
from tests.model.whole_run import WholeRun
from tests.pure_run import PureRun, Record, final_findings, final_records
from tests.reference import Expected
from tests.reference_stats import stats
from tests.reference_tallies import Tally, TallyKey
from transforms.findings.finding_summary import MAX_EXAMPLES
from transforms.input.dates import nanos_of
from transforms.input.json_bytes import dump
from transforms.input.traces import Trace
from transforms.stats.latency_sketch import PERCENTS, LatencySketch

_EXACT_BELOW = 50
_QUANTILES = [f"p{percent}" for percent in PERCENTS]


def check_join(run: PureRun, items: list[Item], reference: Expected) -> None:
    """Records, findings and tallies are those of the reference, and the counters add up."""
    assert reference.records == run.final_records()
    assert reference.findings == run.final_findings()
    check_tallies(run, reference.tallies)
    end = max(item.timestamp for item in items) + 60_000
    assert reference.ripe(end) == run.final_findings(end)
    check_counts(run, items)


def check_revisions(records: Iterable[Record]) -> None:
    """Revisions of an id count what was written: none, 2, 3, …; an ACK of a failed send is not kept, and has none."""
    told: dict[str, list[int | None]] = {}
    for _, value in records:
        is_kept = value["type"] != "ACK" or ("error" not in value and -1 not in {value["partition"], value["offset"]})
        if is_kept:
            told.setdefault(value["id"], []).append(value.get("revision"))
    for identity, revisions in told.items():
        assert revisions == [None, *range(2, len(revisions) + 1)], identity


def check_counts(run: PureRun, items: list[Item]) -> None:
    """The health invariant."""
    parsed = sum(isinstance(item, Trace) for item in items)
    assert parsed == run.counts["emitted"] + run.counts["duplicates"]
    written = run.counts["emitted"] + run.counts["range_commits"] + run.counts["revisions"]
    assert len(run.records) == written
    check_revisions(run.records)


def check_topics(run: WholeRun, reference: Expected) -> None:
    """What lies on the topics is what the reference says."""
    assert reference.records == final_records(run.records)
    _check_findings(final_findings(dump(value) for _, value in run.anomalies), reference.findings)
    _check_stats(run.stats, reference)


def _check_findings(written: dict[str, dict[str, Any]], findings: dict[str, dict[str, Any]]) -> None:
    """Single records are those of the reference; what has none is counted in a summary."""
    findings = restarts_merged(findings)
    singles = {identity: value for identity, value in written.items() if "summary" not in value}
    assert singles.items() <= findings.items()
    counts = Counter(_kind(value) for value in singles.values())
    for value in written.values():
        if "summary" in value:
            assert len(value["examples"]) == min(value["count"], MAX_EXAMPLES) or value["found"] > MAX_EXAMPLES
            assert all(example["id"] in findings for example in value["examples"])
            counts[_kind(value)] += value["count"]
    assert counts == Counter(map(_kind, findings.values()))


def restarts_merged(findings: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """Of the positions that held two messages one finding for each partition: whose second message came first."""
    restarts = [value for value in findings.values() if value["reason"] == "log-restarted"]
    others = {identity: value for identity, value in findings.items() if value["reason"] != "log-restarted"}
    restarts.sort(key=lambda value: (nanos_of(value["date"]), value["offset"]))
    for value in reversed(restarts):
        identity = f"log-restarted:{value['topic']}:{value['partition']}"
        others[identity] = {**value, "id": identity}
    return others


def _kind(finding: dict[str, Any]) -> tuple[Any, ...]:
    return finding["reason"], finding.get("topic"), finding.get("groupId")


def _check_stats(records: list[Record], reference: Expected) -> None:
    last: dict[tuple[Any, ...], dict[str, Any]] = {}
    for key, value in records:
        names = tuple(fact for fact in key.values() if not isinstance(fact, list))
        names = (*key.get("clients", ()), *names)
        assert "final" not in last.get(names, {}), f"written after it was final: {value}"
        assert key.items() <= value.items()
        last[names] = {name: fact for name, fact in value.items() if name not in key}
    found = {names: value for names, value in last.items() if "withdrawn" not in value}
    assert all(value.pop("final") is True for value in found.values())
    tallied = stats(reference.tallies)
    _check_verdicts(found, reference.findings)
    _check_groups(found, tallied)
    of_findings_alone = {names for names, value in found.items() if names not in tallied and "verdicts" in value}
    found = {names: value for names, value in found.items() if names not in of_findings_alone}
    assert found.keys() == tallied.keys() | reference.skews.keys()
    for names, expected in (tallied | reference.skews).items():
        _check_record(expected, found[names])


def _check_record(expected: dict[str, Any], found: dict[str, Any]) -> None:
    """Equal, verdicts and groups aside; quantiles may be 1 % off from 50 ms on."""
    aside = {"verdicts", "groups"}
    assert expected.keys() - aside == found.keys() - aside
    for name, fact in expected.items():
        if name in aside:
            continue
        if not isinstance(fact, dict) or "p50" not in fact:
            assert fact == found[name], name
            continue
        published = dict(found[name])
        published.pop("sketch")
        assert fact.keys() == published.keys()
        for field, ms in fact.items():
            tolerance = 0.01 if field in _QUANTILES and abs(ms) >= _EXACT_BELOW else 1e-9
            assert published[field] == pytest.approx(ms, rel=tolerance), f"{name}.{field}"


def _check_groups(found: dict[tuple[Any, ...], dict[str, Any]], tallied: dict[tuple[Any, ...], Any]) -> None:
    """The record of a topic names the groups that have a record in its minute."""
    for names, value in found.items():
        if value["kind"] == "topic":
            groups = {of[1] for of, other in found.items() if other["kind"] == "group" and (of[0], of[2]) == names}
            assert groups == set(value["groups"])
            assert tallied.get(names, {}).get("groups", set()) <= groups


def _check_verdicts(found: dict[tuple[Any, ...], dict[str, Any]], findings: dict[str, dict[str, Any]]) -> None:
    """Every open finding is counted, of its topic and of its group: in the minute in which it was first told."""
    counted: dict[tuple[Any, ...], int] = {}
    for (*place, _), value in found.items():
        for reason, count in value.get("verdicts", {}).items():
            counted[*place, reason] = counted.get((*place, reason), 0) + count
    open_now: dict[tuple[Any, ...], int] = {}
    for finding in findings.values():
        if _has_minute(finding):
            places = [(finding["topic"],), *([(finding["topic"], finding["groupId"])] if "groupId" in finding else [])]
            for place in places:
                open_now[*place, finding["reason"]] = open_now.get((*place, finding["reason"]), 0) + 1
    assert open_now == counted


def _has_minute(finding: dict[str, Any]) -> bool:
    return (
        finding["reason"] != "log-restarted" and finding.get("producedAt", finding.get("date", "1970")) > "1970-01-02"
    )


def check_tallies(run: PureRun, reference: dict[TallyKey, Tally]) -> None:
    """The last tallies of all blocks add up to those of the reference; quantiles within 1 %."""
    final = run.final_tallies()
    assert final.keys() == reference.keys()
    for place, tally in reference.items():
        sketches = {name: fact for name, fact in final[place].items() if isinstance(fact, LatencySketch)}
        assert {name: fact for name, fact in final[place].items() if name not in sketches} == tally.counts
        assert {name for name, sketch in sketches.items() if sketch.count} == tally.latencies.keys()
        for name, exact in tally.latencies.items():
            sketch = sketches[name]
            summary = len(exact), exact[0], exact[-1], sum(exact)
            assert (sketch.count, sketch.min, sketch.max, sketch.sum) == summary
            ranks = [exact[(len(exact) - 1) * percent // 100] for percent in PERCENTS]
            assert sketch.quantiles(*PERCENTS) == [pytest.approx(rank, rel=0.01) for rank in ranks]
