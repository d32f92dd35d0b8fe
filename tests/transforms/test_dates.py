"""Dates of traces."""

from contextlib import suppress
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.histories import date_at
from transforms.input.dates import date_of, duration_ms, nanos_of


@pytest.mark.parametrize(
    ("date", "nanos"),
    [
        ("1970-01-01T00:00:00Z", 0),
        ("1970-01-01T00:00:01.5Z", 1_500_000_000),
        ("2020-03-25T15:41:01.365Z", 1_585_150_861_365_000_000),
        ("2020-03-25T15:41:01.365287Z", 1_585_150_861_365_287_000),
        ("2020-03-25T15:41:01.365287123Z", 1_585_150_861_365_287_123),
        ("2024-02-29T23:59:59.999999999Z", 1_709_251_199_999_999_999),
    ],
)
def test_every_precision_up_to_nanoseconds_is_kept(date, nanos):
    assert nanos == nanos_of(date)


@pytest.mark.parametrize(
    "date",
    [
        "", "Z", "now", "2020-03-25", "2020-03-25T15:41:01", "2020-03-25T15:41:01+00:00", "2020-03-25T15:41:01.Z",
        "2020-03-25T15:41:01.1234567890Z", "2020-03-25T15:41:01.12-Z", "2020-03-25T15:41:01,123Z",
        "2023-02-29T00:00:00Z", "2020-13-01T00:00:00Z", "2020-03-25T24:00:00Z", "2020-03-25T15:41:60Z",
        "2020-03-25T15:41:01.\u0661Z", "2020-03-25 15:41:01Z", "+2020-03-25T15:41:01Z", "2020-03-25T15:41:01.123ZZ",
    ],
)  # fmt: skip
def test_what_is_no_date_in_utc_is_refused(date):
    with pytest.raises(ValueError):  # noqa: PT011  any message will do
        nanos_of(date)


@given(st.text(max_size=40))
def test_any_text_is_a_date_or_a_value_error(text):
    with suppress(ValueError):
        assert isinstance(nanos_of(text), int)


@given(st.integers(0, 4_000_000_000 * 10**9))
def test_a_date_written_with_nine_digits_is_read_back_exactly(nanos):
    assert nanos == nanos_of(date_at(nanos))


@pytest.mark.parametrize(
    ("nanos", "millis"),
    [(0, 0), (999_999, 0), (1_000_000, 1), (1_999_999, 1), (-1, 0), (-999_999, 0), (-1_000_000, -1), (-1_999_999, -1)],
)
def test_durations_are_cut_toward_zero_and_may_be_negative(nanos, millis):
    assert millis == duration_ms(10**18, 10**18 + nanos)


def test_an_instant_in_milliseconds_is_written_with_three_digits():
    assert date_of(0) == "1970-01-01T00:00:00.000Z"
    assert date_of(1_585_150_861_007) == "2020-03-25T15:41:01.007Z"


@given(st.integers(0, 253_402_300_799_999))
def test_written_instants_are_what_the_calendar_says(millis):
    assert nanos_of(date_of(millis)) == millis * 10**6
    assert date_of(millis)[:19] == datetime.fromtimestamp(millis // 1000, UTC).isoformat()[:19]
