from collections import Counter

from runners.flink.start_progress import EVERY_S, StartProgress, words


def test_what_the_tasks_are_at_is_told_every_half_minute_and_not_asked_in_between():
    now, told, asked = [0.0], [], []

    def tasks() -> Counter[str]:
        asked.append(now[0])
        return Counter(RUNNING=3, INITIALIZING=9)

    progress = StartProgress(told.append, lambda: now[0])
    for second in (0, 1, EVERY_S, EVERY_S + 1, 2 * EVERY_S):
        now[0] = second
        progress.look(tasks)
    assert told == [f"Not all tasks run after {s} s: of 12, 3 run, 9 read their state." for s in (EVERY_S, 2 * EVERY_S)]
    assert asked == [EVERY_S, 2 * EVERY_S]


def test_tasks_are_counted_by_what_they_wait_for():
    assert words(Counter(SCHEDULED=2, RECONCILING=1, RUNNING=0)) == "of 3, 2 wait for a slot, 1 are about to"
    assert words(Counter()) == "Flink does not know the job yet"
