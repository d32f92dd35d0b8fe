"""LinkHeaders: correlationIds in the headers of business topics."""

import apache_beam as beam
import pytest
from apache_beam.runners.portability.fn_api_runner import FnApiRunner
from apache_beam.testing.util import assert_that, equal_to

from transforms.input.link_headers import LinkHeaders, header_link
from transforms.input.record_batch import RecordBatch
from transforms.input.records import Header, HeaderLink, KafkaRecord


def any_message(*headers: tuple[str, bytes | None], timestamp: int = 5) -> KafkaRecord:
    """A record of a business topic with these headers."""
    return KafkaRecord("orders", 1, 2, timestamp, b"k", b"v", [Header(*header) for header in headers])


def test_the_header_says_which_correlation_id_lies_at_which_position():
    assert header_link(any_message(("a", b"1"), ("correlationId", b"x"))) == HeaderLink("orders", 1, 2, "x", 5)


@pytest.mark.parametrize(
    "headers", [(), (("correlationid", b"x"),), (("correlationId", None),), (("correlationId", b""),)]
)
def test_a_record_without_a_usable_header_gives_a_link_that_names_nothing(headers):
    assert header_link(any_message(*headers)) == HeaderLink("orders", 1, 2, None, 5)


def test_a_record_whose_headers_are_null_gives_a_link_that_names_nothing():
    assert header_link(any_message()._replace(headers=None)).correlation_id is None


def test_every_record_passes_the_step_with_a_header_or_without():
    with beam.Pipeline(runner=FnApiRunner()) as pipeline:
        batch = RecordBatch.of([any_message(("correlationId", b"x")), any_message()])
        links = pipeline | beam.Create([batch]) | LinkHeaders()
        assert_that(links, equal_to([[HeaderLink("orders", 1, 2, "x", 5), HeaderLink("orders", 1, 2, None, 5)]]))


def test_the_last_of_several_usable_headers_holds():
    message = any_message(("correlationId", b"first"), ("correlationId", b"last"), ("correlationId", None))
    assert header_link(message).correlation_id == "last"


def test_bytes_that_are_no_text_still_give_a_link_and_long_ones_are_cut():
    assert header_link(any_message(("correlationId", b"\xff"))).correlation_id == "\ufffd"
    assert len(header_link(any_message(("correlationId", b"x" * 5000))).correlation_id) == 1024


@pytest.mark.parametrize("timestamp", [-1, 2**62])
def test_a_timestamp_outside_any_calendar_does_no_harm(timestamp):
    link = header_link(any_message(("correlationId", b"x"), timestamp=timestamp))
    assert 0 <= link.timestamp < 2**48
