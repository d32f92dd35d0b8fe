"""Tries again what may go well later: with growing pauses, for a bounded time, and not once it is told to stop."""

import random
import time
from collections.abc import Callable
from threading import Event
from typing import NamedTuple, TypeVar

from pipeline.errors import UserError

FIRST_PAUSE_S = 0.5
LONGEST_PAUSE_S = 30.0

T = TypeVar("T")


class TransientError(Exception):
    """It failed for now: why, and for how many seconds the other side asks to be left alone (None: it did not say)."""

    def __init__(self, why: str, pause_s: float | None = None) -> None:
        super().__init__(why)
        self.why = why
        self.pause_s = pause_s


class StoppedError(Exception):
    """We were told to stop while we waited; what was tried is not done."""


class Persistence(NamedTuple):
    """How long to try (`patience_s`), what ends the waiting, who hears of each pause, and the clock (s)."""

    patience_s: float
    stop: Event
    tell: Callable[[str], None]
    clock: Callable[[], float] = time.monotonic

    def until_done(self, attempt: Callable[[], T]) -> T:
        """The result of `attempt`, called again for as long as it raises `TransientError`.

        Pauses double from half a second up to 30 s, less up to a half by chance, so that sinks do not come all at once.

        Raises:
            StoppedError: `stop` was set meanwhile.
            UserError: the patience is at its end.
        """
        began, pause = self.clock(), FIRST_PAUSE_S
        while True:
            try:
                return attempt()
            except TransientError as error:
                left = self.patience_s - (self.clock() - began)
                if left <= 0:
                    raise UserError(
                        f"Gave up after {self.patience_s:.0f} s (sink.retry.ms): {error.why}.",
                        "Nothing is lost: mend the cause and start the sink again, it goes on with the same records.",
                    ) from error
                wanted = pause * random.uniform(0.5, 1) if error.pause_s is None else error.pause_s  # noqa: S311
                wait = min(wanted, left)
                self.tell(f"{error.why}; again in {wait:.1f} s.")
            if self.stop.wait(wait):
                raise StoppedError
            pause = min(2 * pause, LONGEST_PAUSE_S)
