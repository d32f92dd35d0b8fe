"""DropUnripe: findings that bounded input does not reach."""

import apache_beam as beam
import pytest
from apache_beam.runners.portability.fn_api_runner import FnApiRunner
from apache_beam.testing.util import assert_that, equal_to

from tests.histories import START
from transforms.findings.drop_unripe import DropUnripe, _is_ripe
from transforms.findings.findings import UNACKED, Finding, finding


def any_finding(deadline: int | None) -> Finding:
    return finding(UNACKED, "s", deadline)


@pytest.mark.parametrize(("deadline", "ripe"), [(None, True), (99, True), (100, True), (101, False)])
def test_a_finding_is_ripe_when_the_input_reaches_its_deadline(deadline, ripe):
    assert ripe == _is_ripe(any_finding(deadline), 100)


def test_findings_beyond_the_end_of_the_input_are_dropped():
    findings = [any_finding(deadline) for deadline in (None, START + 5, START + 6)]
    with beam.Pipeline(runner=FnApiRunner()) as pipeline:
        end = pipeline | "End" >> beam.Create([START + 5])
        kept = pipeline | "Findings" >> beam.Create(findings) | DropUnripe(end)
        assert_that(kept, equal_to(findings[:2]))
