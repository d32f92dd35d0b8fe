"""Two signals: the first asks, the second ends the process even where a thread cannot be interrupted."""

import signal
import subprocess
import sys
from collections.abc import Iterator

import pytest

STUCK = """
from concurrent.futures import ThreadPoolExecutor
from threading import Event
from runners import stop_signals
stop_signals.AT_ONCE_S = 0.5
with stop_signals.stop_request(lambda said: print(said, flush=True), "ending") as stop, ThreadPoolExecutor(1) as pool:
    print("begun", flush=True)
    stop.wait()
    pool.submit(Event().wait).result()
"""


@pytest.fixture
def process() -> Iterator[subprocess.Popen[str]]:
    """A command whose thread never ends."""
    running = subprocess.Popen([sys.executable, "-c", STUCK], stdout=subprocess.PIPE, text=True)
    assert running.stdout is not None
    assert running.stdout.readline() == "begun\n"
    yield running
    running.kill()
    running.communicate()


def test_the_first_signal_says_what_follows_and_the_second_ends_a_process_that_waits_for_a_thread(process):
    process.send_signal(signal.SIGINT)
    assert process.stdout.readline() == "SIGINT: ending; once more to stop at once.\n"
    with pytest.raises(subprocess.TimeoutExpired):
        process.wait(1)
    process.send_signal(signal.SIGTERM)
    assert process.wait(30) == 130
