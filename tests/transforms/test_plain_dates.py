"""The dates of a batch: what can be read at once is read as one by one."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.histories import date_at
from transforms.input.dates import nanos_of
from transforms.input.plain_dates import nanos_of_plain

#: 2000-01-01 and 2200-01-01 in ns.
_FIRST, _END = (int(datetime(year, 1, 1, tzinfo=UTC).timestamp()) * 10**9 for year in (2000, 2200))


@given(st.lists(st.tuples(st.integers(_FIRST + 1, _END - 1), st.integers(0, 9)), max_size=5))
def test_every_date_of_two_centuries_is_read_whatever_its_digits(instants):
    dates = [date_at(nanos, 9)[: 20 + digits] + "Z" if digits else date_at(nanos, 0) for nanos, digits in instants]
    assert nanos_of_plain(dates) == [nanos_of(date) for date in dates]


@pytest.mark.parametrize("year", [2000, 2023, 2024, 2100, 2199])
def test_every_day_of_a_year_is_read_and_none_that_is_not_there(year):
    days = [f"{year}-{month:02}-{day:02}T23:59:59.5Z" for month in range(14) for day in range(33)]
    assert nanos_of_plain(days) == [none_as_zero(day) for day in days]
    assert sum(map(bool, nanos_of_plain(days))) == 366 - (year not in {2000, 2024})


def none_as_zero(date: str) -> int:
    try:
        return nanos_of(date)
    except ValueError:
        return 0


@pytest.mark.parametrize(
    "date",
    [
        "", "Z", "2026", "NaT", "now", "2026-01-01", "2026-01-01T00:00:00", "2026-01-01T00:00:00.Z",
        "2026-01-01T00:00:00.1234567890Z", "2026-01-01T00:00:00.123", "2026-01-01T00:00:00+00:00",
        "2026-01-01 00:00:00Z", "2026-01-01t00:00:00z", "2026-1-001T00:00:00Z", "2026-01-01T24:00:00Z",
        "2026-01-01T00:60:00Z", "2026-01-01T00:00:60Z", "2026-01-01T00:00:00Z\0", "2026-01-01T00:00:00.1Z\0",
        "2026-01-01T00:00:00.\0Z", "2026-01-01T00:00:00.1 Z", "2026-01-01T00:00:00.-1Z", " 2026-01-01T00:00:00Z",
        "2026-01-01T00:00:00ZZ", "\u0662026-01-01T00:00:00Z", "2026-01-01T00:00:00.\u0661Z",
        "2026-01-01T00:00:00.\U0001f600Z",
        "1999-12-31T23:59:59Z", "2200-01-01T00:00:00Z", "9999-01-01T00:00:00Z", "2026-00-01T00:00:00Z",
    ],
)  # fmt: skip
def test_what_is_no_plain_date_is_left_to_the_one_who_reads_them_one_by_one(date):
    good = "2026-01-01T00:00:00.5Z"
    assert nanos_of_plain([good, date, good]) == [nanos_of(good), 0, nanos_of(good)]


@given(st.lists(st.text("2026-1T:.Z\0", max_size=32) | st.text(max_size=32), max_size=4))
def test_any_text_is_read_as_one_by_one_or_left(dates):
    for date, nanos in zip(dates, nanos_of_plain(dates), strict=True):
        assert nanos in {0, none_as_zero(date)}
