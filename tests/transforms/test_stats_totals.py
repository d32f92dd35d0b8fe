from hypothesis import given, settings
from hypothesis import strategies as st

from transforms.latency_sketch import LatencySketch
from transforms.stats_totals import Tally, Totals

LATENCY = "ackLatencyMs"


def sketch(*latencies: int) -> list:
    made = LatencySketch()
    for one in latencies:
        made.add(one)
    return made.as_json()


def tally(count: int, *latencies: int) -> Tally:
    return {"produced": count, LATENCY: sketch(*latencies)}


def test_two_sources_may_withdraw_their_latencies_before_anyone_asks():
    totals = Totals()
    totals.replace(("a",), tally(1, 5))
    totals.replace(("b",), tally(1, 7))
    assert totals[LATENCY] == 0
    totals.replace(("a",), None)
    totals.replace(("b",), tally(1))
    assert totals["produced"] == 1
    assert totals.summary(LATENCY) is None


STEPS = st.lists(
    st.tuples(
        st.sampled_from("ab"),
        st.none() | st.lists(st.integers(-3, 3), max_size=3).map(lambda latencies: tally(len(latencies), *latencies)),
        st.sampled_from([False, False, True]),
    ),
    max_size=12,
)


@settings(max_examples=500)
@given(STEPS)
def test_totals_are_those_of_the_tallies_that_count_now_whenever_one_asks(steps):
    totals, now = Totals(), {}
    for source, given_, asks in [*steps, ("a", None, True)]:
        totals.replace((source,), given_)
        now[source] = given_
        if asks:
            afresh = Totals()
            for other, kept in now.items():
                afresh.replace((other,), kept)
            assert totals["produced"] == afresh["produced"]
            assert totals.summary(LATENCY) == afresh.summary(LATENCY)
