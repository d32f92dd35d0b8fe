"""GroupProgress: the earliest time beyond each place."""

from hypothesis import given
from hypothesis import strategies as st

from transforms.locate.group_progress import EarliestBeyond


@given(st.lists(st.tuples(st.integers(-5, 5), st.integers(0, 8))))
def test_each_fact_changes_exactly_the_answers_it_says_and_no_fact_is_kept_that_another_beats(facts):
    earliest, known = EarliestBeyond(), []
    places = range(-7, 7)
    for place, time in facts:
        before = [earliest.beyond(asked) for asked in places]
        lowest = earliest.add(place, time)
        known.append((place, time))
        after = [min((at for there, at in known if there > asked), default=None) for asked in places]
        assert [earliest.beyond(asked) for asked in places] == after
        changed = [asked for asked, old, new in zip(places, before, after, strict=True) if old != new]
        assert changed == ([] if lowest is None else [asked for asked in places if lowest <= asked < place])
        assert earliest.places == sorted(set(earliest.places))
        assert earliest.times == sorted(set(earliest.times))
