"""The demo's traffic: that of `traffic`, in this process, with a little of each fault, to have something to see."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from threading import Event

from pipeline.config.load import Config
from tracing_aggregator.traffic.plan import Wanted
from tracing_aggregator.traffic.run import run
from tracing_aggregator.traffic.truth import Truth

FAULTS = Wanted(loss=0.01, duplicate=0.02, slow_ms=30, rewind=True, crash=True)


@contextmanager
def traffic(config: Config, rate: float, tell: Callable[[str], None], stop: Event) -> Iterator[None]:
    """Traffic of so many orders a second for as long as the block runs. If it fails, `stop` is set, and it raises."""
    ending = Event()
    with ThreadPoolExecutor(1, thread_name_prefix="traffic") as pool:
        running = pool.submit(run, config, FAULTS._replace(rate=rate), Truth(), ending, tell)
        running.add_done_callback(lambda _: stop.set())
        try:
            yield
        finally:
            ending.set()
        running.result()
