"""What docs/verdicts.md, statistics.md and observe.md say holds: examples, sections, fields, the code for sketches."""

import re
from pathlib import Path
from random import Random

import orjson
import pytest

from tests.test_schemas import check, schema
from transforms.stats.latency_sketch import LatencySketch

ROOT = Path(__file__).parent.parent
REASONS = schema("trace-anomaly")["properties"]["reason"]["enum"]
VERDICTS = (ROOT / "docs" / "verdicts.md").read_text(encoding="utf-8")
STATISTICS = (ROOT / "docs" / "statistics.md").read_text(encoding="utf-8")
OBSERVE = (ROOT / "docs" / "observe.md").read_text(encoding="utf-8")


def section_of(reason: str) -> str:
    [section] = re.findall(rf"^## `{reason}`\n(.*?)(?=^## |\Z)", VERDICTS, re.MULTILINE | re.DOTALL)
    return str(section)


@pytest.mark.parametrize("reason", REASONS)
def test_every_verdict_is_explained_with_an_example_that_its_schema_allows(reason):
    section = section_of(reason)
    assert re.findall(r"^- \*\*(.+?)\*\*", section, re.MULTILINE) == ["Rule", "Inputs", "Deadline", "Cannot know"]
    [example] = re.findall(r"^```json\n(.*?)\n```", section, re.MULTILINE | re.DOTALL)
    value = orjson.loads(example)
    check("trace-anomaly", value, {"id": value["id"]})
    assert value["reason"] == reason
    assert value["id"].startswith(f"{reason}:")


@pytest.mark.parametrize("reason", REASONS)
def test_a_verdict_with_a_deadline_names_the_setting_and_shows_it_in_its_example(reason):
    section = section_of(reason)
    [deadline] = re.findall(r"^- \*\*Deadline\*\* (.*)", section, re.MULTILINE)
    assert deadline.startswith("None") != deadline.startswith("`")
    assert ('"deadline"' in section) == deadline.startswith("`")


def test_only_reasons_that_exist_are_explained_and_listed():
    assert sorted(re.findall(r"^## `(.+)`$", VERDICTS, re.MULTILINE)) == sorted(REASONS)
    assert set(re.findall(r"^\| \[`([a-z-]+)`\]", VERDICTS, re.MULTILINE)) == set(REASONS)


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        *((kind, STATISTICS) for kind in ("topic", "group", "edge", "clockSkew")),
        *((kind, STATISTICS + OBSERVE) for kind in ("observed", "observedGroup")),
    ],
)
def test_every_field_of_the_statistics_is_explained(kind, text):
    fields = schema("trace-stats")["$defs"][kind]["properties"].keys() - {"kind", "cluster"}
    assert [field for field in sorted(fields) if not re.search(rf"\b{field}\b", text)] == []


def test_the_code_in_the_documentation_merges_sketches():
    random = Random(4)  # noqa: S311
    latencies = [[random.randrange(1, 10**5) for _ in range(500)] for _ in range(3)]
    records = []
    for part in latencies:
        sketch = LatencySketch()
        for ms in part:
            sketch.add(ms)
        records.append({"consumeLatencyMs": sketch.summary()})
    [code] = re.findall(r"^```python\n(.*?)^```", STATISTICS, re.MULTILINE | re.DOTALL)
    names = {"records": records}
    exec(code, names)  # noqa: S102  it is ours
    everything = sorted(ms for part in latencies for ms in part)
    assert names["p99"] == pytest.approx(everything[(len(everything) - 1) * 99 // 100], rel=0.01)


@pytest.mark.parametrize("text", [VERDICTS, STATISTICS, OBSERVE], ids=["verdicts", "statistics", "observe"])
def test_links_between_the_documents_lead_somewhere(text):
    metrics = (ROOT / "docs" / "metrics.md").read_text(encoding="utf-8")
    pages = {
        "verdicts.md": VERDICTS,
        "statistics.md": STATISTICS,
        "observe.md": OBSERVE,
        "metrics.md": metrics,
        "": text,
    }
    for page, anchor in re.findall(r"\]\(([a-z]+\.md)?(?:#([a-z-]+))?\)", text):
        headings = {
            re.sub(r"[^a-z -]", "", title.lower()).replace(" ", "-")
            for title in re.findall(r"^#+ (.+)$", pages[page], re.MULTILINE)
        }
        assert not anchor or anchor in headings
