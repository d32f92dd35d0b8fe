import json
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from click.testing import CliRunner

from bench.scale import __main__ as command
from bench.scale import charts, report, tables
from tests.bench.invented_curves import invented
from tracing_aggregator.sizing.answer import model_text
from tracing_aggregator.sizing.curves import FIGURES, Curve, load
from tracing_aggregator.sizing.model import Demand

ROOT = Path(__file__).parent.parent.parent


def test_a_quick_measurement_of_the_join_alone_keeps_curves_whose_state_grows_with_groups(tmp_path):
    file = tmp_path / "scale.json"
    ended = subprocess.run(
        [sys.executable, "-m", "bench.scale", "measure", "--quick", "--only", "core", "--json", str(file)],
        cwd=ROOT, capture_output=True, text=True, timeout=240, check=False,
    )  # fmt: skip
    assert ended.returncode == 0, ended.stderr
    curves = load(file)
    assert curves.keys() == {"core-groups", "core-lag", "core-messages", "core-partitions", "core-retention"}
    none, one = curves["core-groups"].rows
    assert (none["groups"], one["groups"]) == (0, 1)
    assert one["bytes per message"] > none["bytes per message"] > 50
    assert one["lagging CONSUMEs joined"] == 1
    assert all(row["CPU s per million"] > 0 for row in curves["core-groups"].rows)


def test_quick_figures_never_replace_those_that_are_kept():
    ended = CliRunner().invoke(command.main, ["measure", "--quick"])
    assert ended.exit_code == 2
    assert "--json" in ended.output


def test_an_unknown_part_is_refused_with_the_known_ones():
    ended = CliRunner().invoke(command.main, ["measure", "--only", "spark"])
    assert ended.exit_code == 2
    assert "choose from core, replay, rates, shapes, bursts, lag" in ended.output


def test_a_table_has_a_column_for_everything_that_was_measured_and_the_varied_first():
    text = tables.curve("any", Curve("Title", "x", [{"y": 1234.5, "x": 2}, {"y": 0.01234, "x": 4}], ""))
    assert "| x | y |\n| --- | ---: |\n| 2 | 1,234 |\n| 4 | 0.0123 |\n" in text


def test_charts_are_an_svg_that_names_its_panels_and_the_same_each_time():
    drawn = charts.svg(invented())
    texts = {text.text for text in ET.fromstring(drawn).iter() if text.tag.endswith("text")}  # noqa: S314
    assert {panel.title for panel in charts.PANELS} <= texts
    assert charts.svg(invented()) == drawn


def test_each_section_goes_between_its_marks_and_the_rest_stays():
    marks = "".join(
        f"before {name}\n<!-- {name}: written by python -m bench.scale -->\nstale\n<!-- end of {name} -->\n"
        for name in report.sections(invented())
    )
    written = report.written(marks, invented())
    assert "stale" not in written
    assert written.count("before ") == marks.count("before ")
    assert report.written(written, invented()) == written
    with pytest.raises(ValueError, match="has no lines"):
        report.written("nothing", invented())


def test_what_was_not_measured_says_so_and_the_rest_is_there():
    some = {name: curve for name, curve in invented().items() if name.startswith(("core", "burst-p"))}
    found = report.sections(some)
    assert found["model"] == found["skew"] == found["lag on Flink"] == report.NOTHING
    assert "facts kept, predicted" in found["lag"]


def test_the_model_tells_what_is_needed_for_the_messages_that_are_asked_for():
    told = model_text(invented(), Demand(5e5, 3))
    assert "500,000 messages/s, 3 groups, retention 24 h" in told
    assert "raw traces a second | 4,000,000" in told
    assert "limit.open.per.key" in told


def test_a_simulation_prints_a_line_for_each_exponent(monkeypatch):
    monkeypatch.setattr(command, "load", invented)
    ended = CliRunner().invoke(command.main, ["simulate", "--partitions", "16", "--workers", "4", "--seconds", "5"])
    assert ended.exit_code == 0, ended.output
    assert [line.split(" | ")[0] for line in ended.output.splitlines()[2:]] == ["| 0", "| 0.5", "| 1", "| 1.5"]


def test_without_figures_it_says_what_to_type(monkeypatch):
    monkeypatch.setattr(command, "load", dict)
    ended = CliRunner().invoke(command.main, ["simulate"])
    assert ended.exit_code == 1
    assert "python -m bench.scale measure" in ended.output


@pytest.mark.skipif(not FIGURES.exists(), reason="nothing was kept yet")
def test_the_document_is_made_of_the_kept_figures():
    curves = load()
    text = report.DOCUMENT.read_text()
    assert report.written(text, curves) == text
    assert report.CHARTS.exists()
    assert all(row for curve in json.loads(FIGURES.read_text()).values() for row in curve["rows"])
