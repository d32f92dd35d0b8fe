import pytest

from bench.bed import Bed
from bench.figures import Idle, Latency, Row, Throughput
from bench.live import summary
from bench.outputs import Growth, Point
from bench.plan import FLINK, NAIVE_NAME
from bench.processes import Usage
from bench.report import MARKS, ratio, write_into
from pipeline.config.settings import OUTPUT_TOPICS

CPU = {"java": 40.0, "python": 30.0}


def a_row(name: str, warm_per_s: float) -> Row:
    return Row(name, 10.0, Throughput(1000, 2.0, 500.0, warm_per_s, is_complete=True, cpu_s_per_million=CPU))


def test_quantiles_are_those_of_the_sorted_delays():
    assert Latency.of([n / 100 for n in range(100, 0, -1)]) == Latency(100, 0.51, 0.96, 1.0)


def test_commits_are_left_out_of_the_delays_of_all_but_commits():
    latency = summary({"SEND": [0.1, 0.2], "COMMIT": [5.0]})
    assert {name: one.traces for name, one in latency.items()} == {
        "all but COMMIT": 2, "all": 3, "COMMIT": 1, "SEND": 2,
    }  # fmt: skip


def test_idle_cost_is_the_cpu_between_two_looks_and_the_memory_at_the_last():
    before, after = Usage({"java": 10.0}, {"java": 500.0}), Usage({"java": 13.0, "python": 1.5}, {"java": 600.0})
    assert Idle.of(before, after, 30.0) == Idle({"java": 10.0, "python": 5.0}, {"java": 600.0})


def test_the_moment_between_two_looks_is_interpolated():
    growth = Growth.__new__(Growth)
    growth.points = [Point(0.0, 0), Point(10.0, 0), Point(12.0, 100), Point(14.0, 300)]
    assert (growth.reached(50), growth.reached(200), growth.reached(301)) == (11.0, 13.0, None)


def test_the_gain_is_told_once_both_joins_were_measured():
    assert ratio([a_row(FLINK, 2000.0), a_row(NAIVE_NAME, 100.0)]) == pytest.approx(20)
    assert ratio([a_row(FLINK, 2000.0)]) is None


def test_tables_replace_what_is_between_the_marks(tmp_path):
    document = tmp_path / "performance.md"
    document.write_text(f"before\n{MARKS.begin}\nold\n{MARKS.end}\nafter\n")
    write_into(document, [a_row(FLINK, 2000.0), Row("prism", failure="why")])
    text = document.read_text()
    assert f"| {FLINK} | 1000 | 500 | 2000 | 70 (40 + 30) | 0 |  | 10.0 |" in text
    assert "| prism | failed |" in text
    assert "old" not in text
    assert text.startswith("before\n")
    assert text.endswith(f"{MARKS.end}\nafter\n")


def test_a_document_without_marks_is_refused(tmp_path):
    document = tmp_path / "performance.md"
    document.write_text("nothing\n")
    with pytest.raises(ValueError, match="has no lines"):
        write_into(document, [])


def test_a_bed_keeps_runs_apart(tmp_path, monkeypatch):
    made = []
    monkeypatch.setattr("bench.bed.create_topics", lambda servers, tracing, outputs: made.append((tracing, *outputs)))
    bed = Bed("localhost:1", tmp_path, None, 0, print)
    first, second = bed.settings(), bed.settings("live")
    assert first["application.id"] != second["application.id"]
    assert (first["tracing.topic"], second["tracing.topic"]) == ("_tracing", "live")
    outputs = [set(topics[1:]) for topics in made]
    assert outputs[0].isdisjoint(outputs[1])
    assert [len(topics) for topics in outputs] == [len(OUTPUT_TOPICS)] * 2
