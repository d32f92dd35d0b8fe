import pytest

from bench.bed import Bed
from bench.documents import Marks
from bench.fast.figures import Figures, cpu_per_million, latency, markdown
from bench.fast.live import latencies
from bench.outputs import Growth, Outputs, Point, Seen
from pipeline.config.settings import OUTPUT_TOPICS


def test_quantiles_are_those_of_the_sorted_delays():
    found = latency(n / 100 for n in range(100, 0, -1))
    assert found == {"number": 100, "p50 s": 0.51, "p95 s": 0.96, "p99 s": 1.0}


def test_commits_are_left_out_of_the_delays_of_all_but_commits():
    rows = [row for _, row in latencies("Latency", {"SEND": [0.1, 0.2], "COMMIT": [5.0], "ACK": []})]
    assert {row["traces"]: row["number"] for row in rows} == {"all but COMMIT": 2, "all": 3, "COMMIT": 1, "SEND": 2}


def test_a_delay_is_from_the_date_of_a_trace_to_its_arrival_and_revisions_have_none():
    outputs = Outputs.__new__(Outputs)
    sent = {"type": "SEND", "date": "1970-01-01T00:00:10Z"}
    outputs._seen = [
        Seen(12 * 10**9, "out", sent),
        Seen(15 * 10**9, "out", sent | {"revision": 2}),
        Seen(15 * 10**9, "out", sent | {"date": "1970-01-01T00:00:11Z"}),
    ]
    assert outputs.delays(10 * 10**9, 11 * 10**9) == {"SEND": [2.0]}


def test_cpu_is_that_of_a_million_traces_for_each_kind_of_process():
    assert cpu_per_million({"java": 3.0, "other": 1.0}, 1000) == {
        "Java CPU s per million": 3000, "Python CPU s per million": 0,
    }  # fmt: skip


def test_the_moment_between_two_looks_is_interpolated():
    growth = Growth.__new__(Growth)
    growth.points = [Point(0.0, 0), Point(10.0, 0), Point(12.0, 100), Point(14.0, 300)]
    assert (growth.reached(50), growth.reached(200), growth.reached(301)) == (11.0, 13.0, None)


def test_a_table_has_the_columns_of_all_of_its_rows_and_no_figure_is_an_empty_cell():
    rows = [{"run": "flink", "traces/s": 2000.0, "start s": 10.5}, {"run": "prism", "traces": "failed"}]
    assert markdown([Figures("Throughput", row) for row in rows]) == (
        "\n**Throughput**\n\n| run | traces/s | start s | traces |\n| --- | ---: | ---: | ---: |\n"
        "| flink | 2,000 | 10.5 |  |\n| prism |  |  | failed |\n"
    )


def test_what_is_between_the_marks_of_a_document_is_replaced(tmp_path):
    document, marks = tmp_path / "performance.md", Marks("bench", "python -m bench")
    document.write_text(f"before\n{marks.begin}\nold\n{marks.end}\nafter\n")
    marks.write(document, "new\n")
    assert document.read_text() == f"before\n{marks.begin}\nnew\n{marks.end}\nafter\n"


def test_a_document_without_marks_is_refused():
    with pytest.raises(ValueError, match="has no lines"):
        Marks("bench", "python -m bench").filled("nothing\n", "new\n")


def test_a_bed_keeps_runs_apart(tmp_path, monkeypatch):
    made = []
    monkeypatch.setattr(
        "bench.bed.create_topics", lambda _servers, tracing, outputs, _partitions: made.append((tracing, *outputs))
    )
    bed = Bed("localhost:1", tmp_path, None, 0, print)
    first, second = bed.settings(), bed.settings("live")
    assert first["application.id"] != second["application.id"]
    assert (first["tracing.topic"], second["tracing.topic"]) == ("_tracing", "live")
    outputs = [set(topics[1:]) for topics in made]
    assert outputs[0].isdisjoint(outputs[1])
    assert [len(topics) for topics in outputs] == [len(OUTPUT_TOPICS)] * 2
