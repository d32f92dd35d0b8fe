import json
from xml.etree import ElementTree as ET

import pytest

from bench.steady import report
from bench.steady.plot import Panel, svg
from bench.steady.samples import Figures, Sample, bytes_per_message, thirds


def sample(at: float, checkpoint_mb: float = 1.0) -> Sample:
    return Sample(at, 1, 2, 3, checkpoint_mb, 0.1, 0.2, int(at), 0, int(at) * 100, int(at) * 100)


def test_thirds_are_told_apart_and_the_start_counts_for_the_highest_alone():
    samples = [sample(at, size) for at, size in enumerate((9, 0, 1, 1, 4, 4))]
    assert thirds(samples, "checkpoint_mb") == (1, 4, 9)


def test_state_is_divided_by_the_messages_that_are_remembered():
    samples = [sample(at, 6.0) for at in range(0, 600, 10)]
    assert bytes_per_message(samples, rate=400, retention_s=60) == pytest.approx(1000)


def test_a_plot_is_an_svg_with_a_line_for_each_name():
    drawn = ET.fromstring(svg([0, 1, 2], [Panel("Memory, MB", {"a < b": [1, 2, 3], "c": [0, 0, 0]})]))  # noqa: S314
    lines = [each for each in drawn.iter() if each.tag.endswith("polyline")]
    assert len(lines) == 2
    assert all(len(line.get("points").split()) == 3 for line in lines)
    assert "a < b" in [each.text for each in drawn.iter()]


@pytest.mark.skipif(not report.FIGURES.exists(), reason="no run was kept yet")
def test_table_and_plot_in_the_documents_are_made_of_the_figures():
    figures = Figures.of_json(json.loads(report.FIGURES.read_text()))
    assert report.table(figures) in report.DOCUMENT.read_text()
    assert report.plot(figures) == report.PLOT.read_text()
    assert figures.failed == 0
