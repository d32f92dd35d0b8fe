"""FindEnd: when bounded input ends."""

import apache_beam as beam
import pytest
from apache_beam.runners.portability.fn_api_runner import FnApiRunner
from apache_beam.testing.util import assert_that, equal_to

from tests.histories import START, any_trace
from transforms.input.find_end import FindEnd
from transforms.input.records import HeaderLink
from transforms.state.batches import Links, Traces


@pytest.mark.parametrize(
    ("traces", "links", "end"),
    [
        ([any_trace(at=1), any_trace(at=0)], [HeaderLink("t", 0, 0, "x", START + 5)], START + 5),
        ([any_trace(at=7)], [HeaderLink("t", 0, 0, "x", START + 5)], START + 7),
        ([any_trace(at=7)], [], START + 7),
        ([], [], 0),
    ],
)
def test_the_end_is_the_newest_timestamp_of_traces_and_links(traces, links, end):
    with beam.Pipeline(runner=FnApiRunner()) as pipeline:
        inputs = tuple(
            pipeline | name >> beam.Create([kind(batch)] if batch else []).with_output_types(kind)
            for name, kind, batch in (("T", Traces, traces), ("L", Links, links))
        )
        assert_that(inputs | FindEnd(), equal_to([end]))
