"""DropUnripe: findings that bounded input does not reach."""

import apache_beam as beam
import pytest
from apache_beam.runners.portability.fn_api_runner import FnApiRunner
from apache_beam.testing.util import assert_that, equal_to

from tests.histories import START, any_trace
from transforms.drop_unripe import DropUnripe, _is_ripe, _latest
from transforms.findings import UNACKED, Finding, finding
from transforms.records import HeaderLink


def any_finding(deadline: int | None) -> Finding:
    return finding(UNACKED, "s", deadline)


@pytest.mark.parametrize(("deadline", "ripe"), [(None, True), (99, True), (100, True), (101, False)])
def test_a_finding_is_ripe_when_the_input_reaches_its_deadline(deadline, ripe):
    assert ripe == _is_ripe(any_finding(deadline), 100)


def test_input_without_any_element_reaches_nothing():
    assert _latest([]) == 0


def test_the_end_is_the_newest_timestamp_of_traces_and_links():
    findings = [any_finding(deadline) for deadline in (None, START + 5, START + 6)]
    with beam.Pipeline(runner=FnApiRunner()) as pipeline:
        traces = pipeline | "Traces" >> beam.Create([any_trace(at=1), any_trace(at=0)])
        links = pipeline | "Links" >> beam.Create([HeaderLink("t", 0, 0, "x", START + 5)])
        kept = pipeline | "Findings" >> beam.Create(findings) | DropUnripe((traces, links))
        assert_that(kept, equal_to(findings[:2]))
