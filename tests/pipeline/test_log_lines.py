"""One form for all lines, and a repeated one once a minute."""

from pipeline.log_lines import Entry, Masker, Repeats, entry


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def fault(message: str) -> Entry:
    return Entry("2026-11-27T02:11:00.000Z", "error", "run", "", message)


def test_a_line_without_a_form_gets_the_time_of_now():
    assert entry("Killed", "workers", 1_800_000_000.5) == Entry(
        "2027-01-15T08:00:00.500Z", "info", "workers", "", "Killed"
    )


def test_a_repeated_fault_is_told_once_a_minute_with_its_count():
    clock = Clock()
    repeats = Repeats(clock)
    told = []
    for second in range(125):
        clock.now = float(second)
        told.append(repeats.pass_on(fault(f"connection {second} refused")))
    assert [one.message for one in told if one] == [
        "connection 0 refused",
        "connection 60 refused (and 59 more like it)",
        "connection 120 refused (and 59 more like it)",
    ]


def test_other_faults_are_not_held_back_and_what_is_remembered_is_bounded():
    repeats = Repeats(Clock())
    names = [f"fault {'x' * number}" for number in range(3_000)]
    assert all(repeats.pass_on(fault(name)) for name in names)
    assert len(repeats._seen) <= 1_000


def test_what_is_named_like_a_secret_is_masked_and_other_words_stay():
    assert Masker()("user=ann password=abc, limit.open.per.key=5") == "user=ann password=***, limit.open.per.key=5"
    assert Masker(["abc"])("abc") == "abc"
