import pytest

from tracing_aggregator.explain.words import elapsed


@pytest.mark.parametrize(
    ("millis", "expected"),
    [
        (0, "0 ms"), (0.4, "0.4 ms"), (12.9, "12 ms"), (999.9, "999 ms"), (3_249, "3.2 s"), (59_999, "59 s"),
        (60_000, "1 min"), (125_000, "2 min 5 s"), (3_600_000, "1 h"), (11_520_000, "3 h 12 min"),
        (183_600_000, "2 d 3 h"), (-5, "-5 ms"), (-3_249, "-3.2 s"),
    ],
)  # fmt: skip
def test_a_time_span_is_said_in_the_unit_that_suits_it(millis, expected):
    assert elapsed(int(millis * 10**6)) == expected
