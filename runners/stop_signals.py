"""Ctrl-C and SIGTERM as a request to stop in order; the second one stops at once."""

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

STOPPING = (signal.SIGINT, signal.SIGTERM)


@contextmanager
def stop_request(tell: Callable[[str], None]) -> Iterator[threading.Event]:
    """An event that the first signal sets. The second raises `KeyboardInterrupt`. Call it in the main thread."""
    requested = threading.Event()

    def on_signal(number: int, _: FrameType | None) -> None:
        if requested.is_set():
            raise KeyboardInterrupt
        requested.set()
        tell(f"{signal.Signals(number).name}: stopping with a savepoint; once more to stop at once.")

    before = {number: signal.signal(number, on_signal) for number in STOPPING}
    try:
        yield requested
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
