"""A short soak: state comes back to nothing, and nothing leaks (`python -m tests.soak` for days of it)."""

import threading
import tracemalloc
from pathlib import Path

from pipeline.config.settings import Settings
from runners.replay import replay
from tests.soak import Soak, children, growth, open_files
from transforms.state.waits import Waits

MINUTE = 60_000
DATA = Path(__file__).parent / "data" / "real_traces.jsonl"


def test_state_and_memory_stay_as_they_are_while_time_goes_on_and_nothing_is_left_when_it_ends():
    """Retention is an hour, and each ten minutes bring the same again: after two retentions nothing may grow."""
    soak = Soak(Waits(retention=60 * MINUTE), hour=10 * MINUTE, messages=8)
    tracemalloc.start()
    try:
        samples = []
        for _ in range(3):
            for _ in range(8):
                soak.play()
            samples.append(soak.sample())
        assert growth(samples[1], samples[2]) == []
        assert set(samples[2].views) == {"locate", "order", "follow", "produce", "join", "limit", "stats"}
        soak.end()
        floor = soak.sample()
    finally:
        tracemalloc.stop()
    assert floor.views.total() == 0
    assert floor.memory < samples[2].memory / 2


def test_a_run_leaves_no_thread_no_file_and_no_process(tmp_path):
    def held() -> tuple[int, int, int]:
        return threading.active_count(), open_files(), children()

    replay([str(DATA)], tmp_path / "0", Settings())
    first = held()
    for number in (1, 2):
        replay([str(DATA)], tmp_path / str(number), Settings())
    assert held() <= first
