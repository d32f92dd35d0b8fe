from hypothesis import given, settings
from hypothesis import strategies as st

from transforms.stats.latency_sketch import LatencySketch
from transforms.stats.stats_facts import TopicTally
from transforms.stats.stats_totals import Totals


def sketch(*latencies: int) -> LatencySketch:
    made = LatencySketch()
    for one in latencies:
        made.add(one)
    return made


def tally(count: int, *latencies: int) -> TopicTally:
    return TopicTally(produced=count, ack=sketch(*latencies))


def test_two_sources_may_withdraw_their_latencies_before_anyone_asks():
    totals = Totals(TopicTally)
    totals.replace("a", tally(1, 5))
    totals.replace("b", tally(1, 7))
    assert totals.sum().sent == 0
    totals.replace("a", None)
    totals.replace("b", tally(1))
    assert totals.sum().produced == 1
    assert totals.sum().ack.summary() is None


def test_the_same_tally_is_no_change_in_whatever_order_its_latencies_came():
    totals = Totals(TopicTally)
    assert totals.replace("a", tally(2, 5, 900))
    assert not totals.replace("a", tally(2, 900, 5))
    assert totals.replace("a", tally(2, 5, 901))


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
    totals, now = Totals(TopicTally), {}
    for source, given_, asks in [*steps, ("a", None, True)]:
        totals.replace(source, given_)
        now[source] = given_
        if asks:
            afresh = Totals(TopicTally)
            for other, kept in now.items():
                afresh.replace(other, kept)
            assert totals.sum().produced == afresh.sum().produced
            assert totals.sum().ack.summary() == afresh.sum().ack.summary()
