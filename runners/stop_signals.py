"""Ctrl-C and SIGTERM as a request to stop in order; the second one stops at once."""

import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

STOPPING = (signal.SIGINT, signal.SIGTERM)
INTERRUPTED = 128 + signal.SIGINT
#: A thread that waits for a broker cannot be interrupted, and one that waits for the thread would wait as long.
AT_ONCE_S = 10.0


@contextmanager
def stop_request(tell: Callable[[str], None], what: str) -> Iterator[threading.Event]:
    """An event that the first signal sets; `tell` then says `what` follows. The second one raises `KeyboardInterrupt`.

    If the block has not ended AT_ONCE_S after that, the process does. To be called in the main thread.
    """
    requested = threading.Event()
    leaving = threading.Timer(AT_ONCE_S, os._exit, (INTERRUPTED,))
    leaving.daemon = True

    def on_signal(number: int, _: FrameType | None) -> None:
        if requested.is_set():
            if not leaving.is_alive():
                leaving.start()
            raise KeyboardInterrupt
        requested.set()
        tell(f"{signal.Signals(number).name}: {what}; once more to stop at once.")

    before = {number: signal.signal(number, on_signal) for number in STOPPING}
    try:
        yield requested
    finally:
        leaving.cancel()
        for number, handler in before.items():
            signal.signal(number, handler)
