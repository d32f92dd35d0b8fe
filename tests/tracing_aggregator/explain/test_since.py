from datetime import UTC, datetime, timedelta

import pytest

from pipeline.errors import UserError
from tracing_aggregator.explain.since import since_ms

NOW = datetime(2026, 1, 31, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "before_now"),
    [
        ("90s", timedelta(seconds=90)),
        ("15m", timedelta(minutes=15)),
        ("2h", timedelta(hours=2)),
        ("1d", timedelta(days=1)),
        ("2026-01-31T11:00:00Z", timedelta(hours=1)),
        ("2026-01-31T11:00:00", timedelta(hours=1)),
        ("2026-01-31T12:00:00+02:00", timedelta(hours=2)),
    ],
)
def test_a_date_or_a_time_span_says_since_when(text, before_now):
    assert since_ms(text, NOW) == int((NOW - before_now).timestamp() * 1000)


def test_anything_else_is_refused():
    with pytest.raises(UserError, match="neither a date nor a time span"):
        since_ms("yesterday", NOW)
