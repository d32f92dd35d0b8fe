from threading import Event

import pytest

from pipeline.errors import UserError
from tracing_aggregator.sinks.retry import LONGEST_PAUSE_S, Persistence, StoppedError, TransientError


class Pauses(Event):
    """A clock that only waiting moves; `stop` is said after so many pauses."""

    def __init__(self, stop_after: int = 10**9) -> None:
        super().__init__()
        self.taken: list[float] = []
        self._stop_after = stop_after

    def wait(self, timeout: float | None = None) -> bool:
        self.taken.append(timeout or 0.0)
        return len(self.taken) >= self._stop_after

    def now(self) -> float:
        return sum(self.taken)


def persistence(pauses: Pauses, patience_s: float = 1000) -> Persistence:
    return Persistence(patience_s, pauses, lambda _: None, pauses.now)


class Failing:
    """Fails so many times, then gives 7."""

    def __init__(self, times: int, pause_s: float | None = None) -> None:
        self._left = times
        self._pause_s = pause_s

    def __call__(self) -> int:
        if self._left:
            self._left -= 1
            raise TransientError("no answer", self._pause_s)
        return 7


def test_pauses_grow_to_a_bound_until_it_goes_well():
    pauses = Pauses()
    assert persistence(pauses).until_done(Failing(10)) == 7
    assert len(pauses.taken) == 10
    assert all(0.5 <= taken / min(0.5 * 2**turn, LONGEST_PAUSE_S) <= 1 for turn, taken in enumerate(pauses.taken))


def test_a_pause_that_the_other_side_asks_for_is_kept():
    pauses = Pauses()
    persistence(pauses).until_done(Failing(2, pause_s=9))
    assert pauses.taken == [9, 9]


def test_patience_ends_with_an_error_that_says_why():
    pauses = Pauses()
    with pytest.raises(UserError, match=r"Gave up after 20 s \(sink\.retry\.ms\): no answer\.[\s\S]*Nothing is lost"):
        persistence(pauses, 20).until_done(Failing(10**6))
    assert pauses.now() == 20


def test_a_stop_ends_the_waiting():
    pauses = Pauses(stop_after=3)
    with pytest.raises(StoppedError):
        persistence(pauses).until_done(Failing(10**6))
    assert len(pauses.taken) == 3
