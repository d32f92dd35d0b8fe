import json
from xml.etree import ElementTree as ET

import pytest

from bench.charts import Panel, svg
from bench.steady import report


def sample(at: float, checkpoint_mb: float = 1.0) -> dict[str, float]:
    return {"seconds": at, "checkpoint_mb": checkpoint_mb}


def test_thirds_are_told_apart_and_the_start_counts_for_the_highest_alone():
    samples = [sample(at, size) for at, size in enumerate((9, 0, 1, 1, 4, 4))]
    assert report.thirds(samples, "checkpoint_mb") == (1, 4, 9)


def test_state_is_divided_by_the_messages_that_are_remembered():
    samples = [sample(at, 6.0) for at in range(0, 600, 10)]
    assert report.bytes_per_message(samples, rate=400, retention_s=60) == pytest.approx(1000)


def test_a_plot_is_an_svg_with_the_names_of_its_panels_and_lines_and_the_same_each_time():
    panels = [Panel("Memory, MB", {"a < b": [(0, 1), (1, 2)], "c": [(0, 0), (1, 0)]})]
    drawn = svg(panels, columns=1, width=4)
    texts = {text.text for text in ET.fromstring(drawn).iter() if text.tag.endswith("text")}  # noqa: S314
    assert {"Memory, MB", "a < b", "c"} <= texts
    assert svg(panels, columns=1, width=4) == drawn


@pytest.mark.skipif(not report.FIGURES.exists(), reason="no run was kept yet")
def test_table_and_plot_in_the_documents_are_made_of_the_figures():
    figures = json.loads(report.FIGURES.read_text())
    assert report.table(figures) in report.DOCUMENT.read_text()
    assert report.plot(figures) == report.PLOT.read_text()
    assert figures["failed"] == 0
