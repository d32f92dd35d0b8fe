import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from transforms.observe.position_log import PositionLog

NOW = 1_700_000_000_000


def log_of(*rows: tuple[int, int], end: int | None = None) -> PositionLog:
    """A log of offsets and times."""
    log = PositionLog()
    add(log, *rows, end=end)
    return log


def add(log: PositionLog, *rows: tuple[int, int], end: int | None = None) -> None:
    table = np.array(rows, np.int64).reshape(-1, 2)
    log.add(table[:, 0], table[:, 1], rows[-1][0] + 1 if end is None else end)


def latencies(log: PositionLog, start: int, end: int, until: int) -> dict[int, int]:
    found, counts = log.latencies(start, end, until)
    return dict(zip(found.tolist(), counts.tolist(), strict=True))


def test_latencies_are_counted_from_one_offset_to_before_another():
    log = log_of((3, NOW), (4, NOW), (5, NOW + 7), (9, NOW + 8))
    assert latencies(log, 4, 9, NOW + 10) == {10: 1, 3: 1}


def test_a_date_before_the_record_gives_a_negative_latency():
    assert latencies(log_of((3, NOW)), 0, 4, NOW - 5) == {-5: 1}


def test_records_after_an_offset_are_counted_and_the_first_of_them_dated():
    log = log_of((3, NOW), (4, NOW + 1), (9, NOW + 8))
    assert (log.count_from(4), log.oldest_from(4)) == (2, NOW + 1)
    assert (log.count_from(5), log.oldest_from(5)) == (1, NOW + 8)
    assert (log.count_from(10), log.oldest_from(10)) == (0, None)


def test_what_is_known_from_is_the_first_record_or_where_reading_began():
    assert log_of((3, NOW)).floor == 3
    assert log_of(end=12).floor == 12
    assert PositionLog().floor is None


def test_records_that_are_known_are_not_taken_in_twice():
    log = log_of((3, NOW), (4, NOW))
    add(log, (4, NOW), (5, NOW))
    assert log.count_from(0) == 3


def test_old_records_are_kept_by_the_second_and_count_as_before():
    log = log_of((10, NOW), (11, NOW + 999), (12, NOW + 1_000), (20, NOW + 150_000))
    log.thin(NOW + 150_000)
    assert len(log) == 3
    assert (log.count_from(11), log.oldest_from(11), log.oldest_from(12)) == (3, NOW, NOW + 1_000)
    assert latencies(log, 11, 13, NOW + 200_000) == {200_000: 1, 199_000: 1}
    add(log, (21, NOW + 150_001))
    log.thin(NOW + 260_000)
    assert (len(log), log.count_from(10)) == (3, 5)


def test_latencies_above_a_hundred_seconds_are_by_the_second_before_records_are_merged_too():
    log = log_of((10, NOW + 1), (11, NOW + 999))
    assert latencies(log, 10, 12, NOW + 101_000) == {101_000: 2}
    assert latencies(log, 10, 12, NOW + 100_000) == {99_999: 1, 99_001: 1}


def test_what_is_too_old_is_forgotten_and_the_log_is_known_from_the_next():
    log = log_of((10, NOW), (11, NOW + 200_000), (12, NOW + 300_000))
    log.thin(NOW + 301_000)
    log.forget(NOW + 100_000)
    assert (log.floor, log.count_from(0)) == (11, 2)
    log.forget(NOW + 400_000)
    assert (log.floor, len(log)) == (13, 0)


@pytest.mark.parametrize("rate", [1, 50, 1_000])
def test_a_message_costs_sixteen_bytes_at_most_and_far_less_once_it_is_old(rate):
    log = PositionLog()
    times = NOW + np.arange(300 * rate) * 1000 // rate
    log.add(np.arange(len(times)), times, len(times))
    log.thin(int(times[-1]) + 101_000)
    saved = log.save()
    assert sum(map(len, saved.recent + saved.older)) <= 16 * 300
    assert log.count_from(0) == len(times)


rows = st.lists(st.tuples(st.integers(1, 5), st.integers(-2_000, 60_000)), min_size=1, max_size=40)


@given(rows, st.lists(st.integers(0, 400_000), max_size=4), st.integers(0, 120), st.integers(0, 120), st.data())
def test_thinned_or_not_the_same_is_counted(gaps, thins, one, other, data):
    """Where offsets have no gaps; ages are right to the second."""
    moves = np.array([time for _, time in gaps])
    times = NOW + np.cumsum(moves)
    plain, thinned = PositionLog(), PositionLog()
    cut = data.draw(st.integers(0, len(times)))
    offsets = np.arange(len(times))
    for log in (plain, thinned):
        log.add(offsets[:cut], times[:cut], cut)
    for after in thins:
        thinned.thin(int(NOW + after))
    for log in (plain, thinned):
        log.add(offsets[cut:], times[cut:], len(times))
    start, end = sorted((one, other))
    assert plain.count_from(start) == thinned.count_from(start)
    exact, about = plain.oldest_from(start), thinned.oldest_from(start)
    assert (exact is None) == (about is None)
    if start == 0 and exact is not None and about is not None:
        assert exact - 1_000 < about <= exact
    assert sum(latencies(plain, start, end, NOW).values()) == sum(latencies(thinned, start, end, NOW).values())


@given(rows)
def test_a_log_comes_back_from_what_was_saved(gaps):
    log, again = PositionLog(), PositionLog()
    offsets = np.cumsum([gap for gap, _ in gaps])
    times = NOW + np.cumsum([time for _, time in gaps])
    log.add(offsets, times, int(offsets[-1]) + 1)
    log.thin(NOW + 300_000)
    again.load(log.save())
    assert (again.save(), again.end, again.floor) == (log.save(), log.end, log.floor)
