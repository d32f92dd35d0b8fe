from pipeline.io.event_time import BROKER_MARGIN_MS, Pace, promised

NOW = 1_000_000
DELAY = 2_000


def of(before=0, newest=None, *, at_end=False, by_broker=True) -> int:
    return promised(before, newest, at_end=at_end, now_ms=NOW, has_append_time=by_broker, max_delay_ms=DELAY)


def test_a_partition_with_a_backlog_promises_what_was_read():
    assert of(newest=5_000) == 5_000


def test_a_partition_that_nothing_was_read_of_promises_what_it_did():
    assert of(before=7_000) == 7_000


def test_a_partition_that_was_read_to_its_end_follows_the_clock():
    assert of(newest=5_000, at_end=True) == NOW - BROKER_MARGIN_MS


def test_a_partition_that_never_had_a_record_follows_the_clock_too():
    assert of(at_end=True) == NOW - BROKER_MARGIN_MS
    assert of(at_end=True, by_broker=False) == NOW - DELAY


def test_with_create_time_records_may_be_late_by_the_setting():
    assert of(newest=5_000, by_broker=False) == 5_000 - DELAY


def test_a_record_from_the_future_does_not_move_event_time_past_the_clock():
    assert of(newest=NOW * 2, by_broker=False) == NOW - DELAY


def test_a_promise_is_never_taken_back():
    assert of(before=9_000, newest=5_000) == 9_000


def test_with_a_backlog_the_next_poll_is_due_at_once_but_for_once_a_second():
    pace = Pace(bundle_s=0.1)
    assert pace.next_poll_s(10.0, 10.05, has_more=True) > 10.15, "a pause lets the watermark through"
    assert pace.next_poll_s(10.2, 10.3, has_more=True) == 10.3
    assert pace.next_poll_s(11.0, 11.2, has_more=True) > 11.2


def test_once_all_is_read_the_next_poll_is_due_after_the_end_of_the_bundle():
    pace = Pace(bundle_s=0.1)
    due = pace.next_poll_s(10.0, 10.02, has_more=False)
    assert 10.15 < due < 10.2


def test_a_poll_that_was_held_up_by_its_bundle_makes_longer_pauses_and_punctual_ones_shorten_them():
    pace = Pace(bundle_s=0.02)
    due = pace.next_poll_s(10.0, 10.3, has_more=False)
    held_up = pace.next_poll_s(due + 0.05, due + 0.35, has_more=False)
    assert held_up - (due + 0.35) > due - 10.3
    pause = held_up - (due + 0.35)
    for _ in range(50):
        began = held_up
        held_up = pace.next_poll_s(began, began + 0.3, has_more=False)
    assert held_up - (began + 0.3) < pause
