"""How long a view waits, and what it waits for."""

from collections.abc import Hashable, Iterable
from typing import Generic, NamedTuple, TypeVar

_SECOND = 1000
_MINUTE = 60 * _SECOND
#: A view looks for what is past retention at most this many times per retention.
_TRIMS_PER_RETENTION = 24

Subject = TypeVar("Subject", bound=Hashable)


class Waits(NamedTuple):
    """All waits, in milliseconds of event time; the settings of the same names explain them."""

    hold_send: int = 5 * _MINUTE
    hold_ack: int = 2 * _MINUTE
    hold_consume: int = 10 * _SECOND
    hold_commit: int = 10 * _SECOND
    commit_reorder: int = 5 * _SECOND
    unacked: int = 2 * _MINUTE
    lost: int = 2 * _MINUTE
    unconsumed: int = 10 * _MINUTE
    uncommitted: int = 5 * _MINUTE
    stalled: int = 5 * _MINUTE
    consumption_buffer: int = _MINUTE
    stats_interval: int = 10 * _SECOND
    retention: int = 24 * 60 * _MINUTE

    @property
    def trim_interval(self) -> int:
        """The shortest time between two looks for what is past retention."""
        return max(self.retention // _TRIMS_PER_RETENTION, 1)

    @property
    def own_commit(self) -> int:
        """How long a commit's own record waits for what it settles, the wait for its place in the sequence included."""
        return self.commit_reorder + self.hold_commit

    def first_trim(self, timestamp: int, now: int) -> int:
        """When to look for what is past retention, once there is a first fact of this time."""
        return max(deadline_after(timestamp, self.retention), now + 1)

    def next_trim(self, now: int, oldest: int) -> int:
        """When to look again for what is past retention, `oldest` being the oldest timestamp that is left."""
        return max(deadline_after(oldest, self.retention), deadline_after(now, self.trim_interval))


def earliest(*times: int | None) -> int | None:
    """The earliest of the times that are known."""
    return min((time for time in times if time is not None), default=None)


def deadline_after(timestamp: int, wait: int) -> int:
    """When a wait ends, rounded up to a second, or to ten above a minute: each distinct deadline costs a bundle."""
    grain = _grain(wait)
    return -(-(timestamp + wait) // grain) * grain


def passed_by(now: int, wait: int) -> int:
    """The latest timestamp whose `deadline_after` this wait is at or before `now`."""
    grain = _grain(wait)
    return now // grain * grain - wait


def _grain(wait: int) -> int:
    return _SECOND if wait <= _MINUTE else 10 * _SECOND


class Deadlines(Generic[Subject]):
    """Which subject waits until when; each waits for one deadline at a time."""

    def __init__(self) -> None:
        self._by_deadline: dict[int, dict[Subject, None]] = {}
        self._of: dict[Subject, int] = {}

    def set(self, subject: Subject, deadline: int | None) -> None:
        """Let the subject wait until `deadline`, or for nothing."""
        armed = self._of.get(subject)
        if armed == deadline:
            return
        if armed is not None:
            waiting = self._by_deadline[armed]
            del waiting[subject]
            if not waiting:
                del self._by_deadline[armed]
        if deadline is None:
            self._of.pop(subject, None)
        else:
            self._of[subject] = deadline
            self._by_deadline.setdefault(deadline, {})[subject] = None

    def due(self, now: int) -> list[Subject]:
        """The subjects whose deadline is at or before `now`; they wait no longer."""
        passed = sorted(deadline for deadline in self._by_deadline if deadline <= now)
        subjects = [subject for deadline in passed for subject in self._by_deadline.pop(deadline)]
        for subject in subjects:
            del self._of[subject]
        return subjects

    def items(self) -> Iterable[tuple[Subject, int]]:
        """All that wait, each with its deadline."""
        return self._of.items()

    def next(self) -> int | None:
        """The earliest deadline."""
        return min(self._by_deadline, default=None)
