"""Statistics of a replayed history are those that a plain script counts in the same files."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from tests.histories import Item, value_of
from tests.recount import Rules, Window, recount
from tests.simulated import Plan, traffic
from tracing_aggregator.cli.main import main
from transforms.input.dates import NANOS_PER_MILLI, nanos_of
from transforms.input.records import HeaderLink

DATA = Path(__file__).parents[1] / "data"
REAL = [DATA / "real_traces.jsonl", DATA / "real_messages.jsonl"]
LATENCIES = ("ackLatencyMs", "consumeLatencyMs", "commitLatencyMs")
#: One SEND and one position for each correlationId of a topic; else as odd as it comes, over several minutes.
ODD = Plan(
    11,
    900,
    topics=2,
    partitions=2,
    groups=2,
    reused=0.0,
    seeks=0.02,
    rewinds=0.1,
    headers=0.4,
    skew_ms=700,
    step_ms=300,
)
#: The same without ways back, so that the edges of small blocks cannot be seen.
ONWARD = ODD._replace(seed=12, rewinds=0.0, seeks=0.0, skew_ms=0, missing=0.0)
SLA = ("group0", 2_000)


def write(items: list[Item], file: Path) -> Path:
    """As `kcat -J` writes them."""
    with file.open("w") as out:
        for number, item in enumerate(items):
            envelope: dict[str, Any] = {"topic": "_tracing", "partition": 0, "offset": number, "ts": item.timestamp}
            if isinstance(item, HeaderLink):
                place = {"topic": item.topic, "partition": item.partition, "offset": item.offset}
                envelope |= {**place, "headers": ["correlationId", item.correlation_id]}
            else:
                envelope["payload"] = json.dumps(value_of(item))
            out.write(json.dumps(envelope) + "\n")
    return file


def replayed(folder: Path, files: list[Path], **settings: str) -> tuple[dict[Window, dict[str, Any]], str]:
    """The records of topics and groups, and what the command said of its counters."""
    given = {"sla.ms": f"*/{SLA[0]}={SLA[1]}", "anomaly.burst": "100000"} | settings
    options = [part for name, value in given.items() for part in ("-o", f"{name}={value}")]
    ended = CliRunner().invoke(main, ["replay", *map(str, files), "--output", str(folder), *options])
    assert ended.exit_code == 0, ended.output
    found = {}
    for line in (folder / "_traceStats.jsonl").read_text().splitlines():
        value = json.loads(json.loads(line)["payload"])
        if value["kind"] in {"topic", "group"}:
            start = nanos_of(value["windowStart"]) // NANOS_PER_MILLI
            found[Window(value["topic"], value.get("groupId", ""), start)] = value
    return found, ended.output


def assert_equal(found: dict[Window, dict[str, Any]], expected: dict[Window, dict[str, Any]]) -> None:
    assert found.keys() == expected.keys()
    for window, value in found.items():
        facts = expected[window]
        coverage = value.get("coverage", {})
        counts = {name: value[name] for name in value if type(value[name]) is int} | {
            name: coverage[name] for name in ("traced", "offsets") if name in coverage
        }
        if window.group:
            assert value.get("commits") == (None if facts["commitsSeen"] else "none seen")
        assert counts == {name: facts.get(name, 0) for name in counts}, window
        assert counts.keys() >= {name for name, fact in facts.items() if type(fact) is int} - {"commitsSeen"}
        for name in LATENCIES:
            assert_distribution(value.get(name), facts.get(name))


def assert_distribution(found: dict[str, Any] | None, latencies: list[int] | None) -> None:
    if not latencies or found is None:
        assert not latencies
        assert found is None
        return
    exact = {"count": len(latencies), "min": latencies[0], "max": latencies[-1]}
    assert {name: found[name] for name in exact} == exact
    assert found["avg"] == pytest.approx(sum(latencies) / len(latencies), abs=0.0006)
    for percent in (50, 90, 95, 99):
        value = latencies[(len(latencies) - 1) * percent // 100]
        assert found[f"p{percent}"] == pytest.approx(value, rel=0.0101)


@pytest.mark.parametrize(
    ("plan", "settings"), [(ODD, {}), (ONWARD, {"block.size": "16"})], ids=["one block", "small blocks"]
)
def test_statistics_of_a_history_are_those_of_a_plain_recount(plan, settings, tmp_path):
    file = write(traffic(plan), tmp_path / "history.jsonl")
    expected = recount([file], Rules(sla=(SLA,)))
    assert len(expected) > 12
    found, _ = replayed(tmp_path / "out", [file], **settings)
    assert_equal(found, expected)
    for name in ("over", "under", "slaBreaches", "unknownProduceTime"):
        assert any(value.get(name) for value in found.values()) or plan is ONWARD, name


def test_statistics_of_real_traces_are_those_of_a_plain_recount(tmp_path):
    found, _ = replayed(tmp_path / "out", REAL)
    assert_equal(found, recount(REAL, Rules(sla=(SLA,))))


def test_verdicts_are_counted_as_they_were_written(tmp_path):
    file = write(traffic(ODD), tmp_path / "history.jsonl")
    found, _ = replayed(tmp_path / "out", [file])
    lines = (tmp_path / "out" / "_traceAnomaly.jsonl").read_text().splitlines()
    findings = {value["id"]: value for value in (json.loads(json.loads(line)["payload"]) for line in lines)}
    written: dict[tuple[str, str, str], int] = {}
    for finding in findings.values():
        if "topic" in finding and not finding.get("resolved"):
            subject = (finding["topic"], finding.get("groupId", ""), finding["reason"])
            written[subject] = written.get(subject, 0) + 1
    counted: dict[tuple[str, str, str], int] = {}
    for window, value in found.items():
        for reason, count in value["verdicts"].items():
            subject = (window.topic, window.group, reason)
            counted[subject] = counted.get(subject, 0) + count
    of_groups = {subject: count for subject, count in counted.items() if subject[1]}
    assert of_groups == {subject: count for subject, count in written.items() if subject[1]}
    totals = {(topic, reason) for topic, _, reason in written}
    assert {(topic, reason): counted[topic, "", reason] for topic, reason in totals} == {
        (topic, reason): sum(count for (t, _, r), count in written.items() if (t, r) == (topic, reason))
        for topic, reason in totals
    }


def test_the_command_accounts_for_every_trace(tmp_path):
    items = traffic(ODD)
    file = write(items, tmp_path / "history.jsonl")
    _, said = replayed(tmp_path / "out", [file])
    traces = [item for item in items if not isinstance(item, HeaderLink)]
    [read], [written], [duplicates] = (re.findall(rf"(\d+) {word}", said) for word in ("traces read", "written", "dup"))
    assert int(read) == len(traces) == int(written) + int(duplicates)
    assert "0 dead letters" in said
    records = (tmp_path / "out" / "_aggregatedTrace.jsonl").read_text().splitlines()
    assert {trace.id for trace in traces} <= {json.loads(json.loads(line)["payload"])["id"] for line in records}
