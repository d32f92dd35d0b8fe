"""How often an address may send a wrong token: ten times at once, then once every two seconds."""

import time
from collections.abc import Callable

_AT_ONCE = 10
_EVERY_S = 2.0
_ADDRESSES = 10_000


class Guesses:
    """Each address has a debt of time, which a wrong token raises. `clock` gives s."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        #: When the address has paid for all its wrong tokens.
        self._paid_at: dict[str, float] = {}

    def wait_s(self, address: str) -> int:
        """For how long (s) nothing of this address is looked at; 0: it may try."""
        ahead = self._paid_at.get(address, 0.0) - self._clock() - _AT_ONCE * _EVERY_S
        return max(0, int(ahead + _EVERY_S)) if ahead > -_EVERY_S else 0

    def wrong(self, address: str) -> None:
        """It has sent a wrong token."""
        now = self._clock()
        self._paid_at[address] = max(now, self._paid_at.pop(address, now)) + _EVERY_S
        if len(self._paid_at) > _ADDRESSES:
            del self._paid_at[next(iter(self._paid_at))]  # whose last guess is the longest ago
