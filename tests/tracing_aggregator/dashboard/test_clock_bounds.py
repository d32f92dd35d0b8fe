"""Bounds of clocks: the tightest that the records of an hour allow together."""

from itertools import pairwise, permutations
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from tracing_aggregator.dashboard.clock_bounds import tightened

CLIENTS = "abcd"


def skew(one: str, other: str, lower: int | None, upper: int | None, **fields: Any) -> dict[str, Any]:
    """As `_traceStats` has it: lower <= clock of `other` - clock of `one` <= upper."""
    return {"clients": [one, other], "lowerMs": lower, "upperMs": upper, **fields}


def test_a_way_over_a_third_clock_is_tighter_than_what_two_exchanged_themselves():
    records = [skew("a", "b", -2, 5), skew("b", "c", -1, 3), skew("a", "c", -900, 40, correctionMs=-430.0)]
    assert tightened(records)[2] == skew("a", "c", -3, 8, correctionMs=2.5)


def test_one_way_traffic_is_bounded_on_the_other_side_by_a_third_client():
    records = [skew("a", "b", None, 5), skew("a", "c", -4, 6), skew("b", "c", None, 2)]
    assert tightened(records)[0] == skew("a", "b", -6, 5, correctionMs=-0.5)


def test_what_nothing_bounds_stays_open():
    assert tightened([skew("a", "b", None, 5)]) == [skew("a", "b", None, 5)]


def test_a_clock_that_was_set_says_nothing_of_those_beside_it():
    records = [skew("a", "b", 7, 5, inconsistent=True), skew("b", "c", -1, 3), skew("d", "e", -1, 3)]
    assert tightened(records) == [*records[:2], skew("d", "e", -1, 3, correctionMs=1.0)]


@given(
    st.fixed_dictionaries({client: st.integers(-50, 50) for client in CLIENTS}),
    st.dictionaries(st.sampled_from(list(permutations(CLIENTS, 2))), st.integers(0, 30)),
)
def test_no_way_between_clocks_is_shorter_and_the_true_difference_is_within(clocks, slack):
    bounds = {(of, over): clocks[of] - clocks[over] + more for (of, over), more in slack.items()}
    pairs = sorted({tuple(sorted(pair)) for pair in bounds})
    lower = {(one, other): bounds.get((one, other)) for one, other in pairs}
    records = [
        skew(one, other, None if lower[one, other] is None else -lower[one, other], bounds.get((other, one)))
        for one, other in pairs
    ]

    def shortest(of: str, over: str) -> int | None:
        ways = (
            (of, *between, over)
            for size in range(len(CLIENTS) - 1)
            for between in permutations(set(CLIENTS) - {of, over}, size)
        )
        return min((sum(bounds[step] for step in pairwise(way)) for way in ways if set(pairwise(way)) <= bounds.keys()),
                   default=None)  # fmt: skip

    for (one, other), record in zip(pairs, tightened(records), strict=True):
        ahead, behind = shortest(other, one), shortest(one, other)
        assert (record["lowerMs"], record["upperMs"]) == (None if behind is None else -behind, ahead)
        assert ahead is None or clocks[other] - clocks[one] <= ahead
        assert behind is None or clocks[one] - clocks[other] <= behind
