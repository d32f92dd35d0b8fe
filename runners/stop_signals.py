"""Ctrl-C and SIGTERM as a request to stop in order; the second one stops at once."""

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

STOPPING = (signal.SIGINT, signal.SIGTERM)


@contextmanager
def stop_request(tell: Callable[[str], None], what: str) -> Iterator[threading.Event]:
    """An event that the first signal sets; `tell` then says `what` follows. The second one raises `KeyboardInterrupt`.

    To be called in the main thread.
    """
    requested = threading.Event()

    def on_signal(number: int, _: FrameType | None) -> None:
        if requested.is_set():
            raise KeyboardInterrupt
        requested.set()
        tell(f"{signal.Signals(number).name}: {what}; once more to stop at once.")

    before = {number: signal.signal(number, on_signal) for number in STOPPING}
    try:
        yield requested
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
