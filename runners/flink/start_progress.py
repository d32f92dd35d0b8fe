"""What a job does that does not process yet, told now and then: a restore may take long."""

import time
from collections import Counter
from collections.abc import Callable

EVERY_S = 30
_STATES = {
    "RUNNING": "run",
    "INITIALIZING": "read their state",
    "DEPLOYING": "are handed out",
    "SCHEDULED": "wait for a slot",
    "CREATED": "wait",
}


class StartProgress:
    """`look`, called often, tells every half minute what the tasks are at."""

    def __init__(self, tell: Callable[[str], None], clock: Callable[[], float] = time.monotonic) -> None:
        self._tell = tell
        self._clock = clock
        self._began = self._told = clock()

    def look(self, tasks: Callable[[], Counter[str]]) -> None:
        """`tasks` says how many there are in each of Flink's states; it is asked only when it is told."""
        now = self._clock()
        if now - self._told >= EVERY_S:
            self._told = now
            self._tell(f"Not all tasks run after {now - self._began:.0f} s: {words(tasks())}.")


def words(tasks: Counter[str]) -> str:
    """Numbers of tasks by state, for a person."""
    told = [f"{tasks[state]} {what}" for state, what in _STATES.items() if tasks[state]]
    other = sum(count for state, count in tasks.items() if state not in _STATES)
    told += [f"{other} are about to"] if other else []
    return f"of {tasks.total()}, {', '.join(told)}" if told else "Flink does not know the job yet"
