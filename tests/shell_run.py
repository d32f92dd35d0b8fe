"""The run of pure_run.py through the real shell: KeepView and Beam's state objects and cache, over a fake backend."""

from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from apache_beam import pvalue
from apache_beam.portability.api import beam_fn_api_pb2 as api
from apache_beam.runners.worker.bundle_processor import SynchronousBagRuntimeState
from apache_beam.runners.worker.sdk_worker import GlobalCachingStateHandler, _Future
from apache_beam.runners.worker.statecache import StateCache
from apache_beam.utils.timestamp import Timestamp
from apache_beam.utils.windowed_value import WindowedValue

from tests.pure_run import PureRun
from transforms.findings.findings import Finding
from transforms.join.join_blocks import _KeepBlocks
from transforms.locate.place_facts import _KeepPlaces
from transforms.state import counters
from transforms.state.addresses import FOLLOW, JOIN, LOCATE, ORDER, PRODUCE, STATS
from transforms.state.journal import SegmentCoder
from transforms.stats.stats_view import StatsView

MEGABYTE = 2**20


class Backend:
    """State as a runner keeps it: bytes per key, read in pages, with no promise of order."""

    def __init__(self, page: int = 1000) -> None:
        self.segments: dict[bytes, list[bytes]] = defaultdict(list)
        self._page = page

    @contextmanager
    def process_instruction_id(self, _bundle: str) -> Iterator[None]:
        yield

    def get_raw(self, state_key: Any, token: bytes | None) -> tuple[bytes, bytes | None]:
        pages = self.segments[state_key.SerializeToString()][::-1]
        start = int(token or 0)
        rest = len(pages) > start + self._page
        return b"".join(pages[start : start + self._page]), b"%d" % (start + self._page) if rest else None

    def append_raw(self, state_key: Any, data: bytes) -> Any:
        self.segments[state_key.SerializeToString()].append(data)
        return _Future().set(api.StateResponse())

    def clear(self, state_key: Any) -> Any:
        self.segments.pop(state_key.SerializeToString(), None)
        return _Future().set(api.StateResponse())

    def done(self) -> None:
        """Nothing is waited for."""


class _Timer:
    def __init__(self) -> None:
        self.set_to: list[Timestamp] = []

    def set(self, timestamp: Timestamp) -> None:
        self.set_to.append(timestamp)


class _Counted:
    """Stands for Beam's counters, which count only inside of a worker."""

    def __init__(self, name: str, counts: Counter[str]) -> None:
        self._name = name
        self._counts = counts

    def inc(self, count: int = 1) -> None:
        self._counts[self._name] += count


@contextmanager
def counting(counts: Counter[str]) -> Iterator[None]:
    """Every counter of the pipeline counts into `counts`."""
    names = [name for name in dir(counters) if hasattr(getattr(counters, name), "inc")]
    plain = {name: getattr(counters, name) for name in names}
    by_name = dict(counters.BY_NAME)
    for name in names:
        setattr(counters, name, _Counted(name.lower(), counts))
    counters.BY_NAME.update({name: _Counted(name, counts) for name in by_name})
    try:
        yield
    finally:
        for name in names:
            setattr(counters, name, plain[name])
        counters.BY_NAME.update(by_name)


class ShellRun(PureRun):
    """A PureRun whose views are kept by KeepView.

    `cache` is the size of the state cache in bytes (0: none). `bundle` is the number of calls in a bundle; a share
    `failures` of the bundles fails at its end and is tried again, with another cache token, as a runner does. Without
    `tokens` the runner gives none, and the cache lives for one bundle.
    """

    def __init__(
        self,
        *,
        cache: int,
        bundle: int = 1,
        failures: float = 0.0,
        tokens: bool = True,
        page: int = 1000,
        **options: Any,
    ) -> None:
        super().__init__(**options)
        self.shell_counts: Counter[str] = Counter()
        self.backend = Backend(page)
        self._handler = GlobalCachingStateHandler(StateCache(cache), self.backend)
        self._bundle = bundle
        self._failures = failures
        self._tokens = tokens
        self._generation = 0
        self._bundles = 0
        self._steps = {
            LOCATE: _KeepPlaces(self.make[LOCATE]),
            ORDER: _KeepPlaces(self.make[ORDER]),
            FOLLOW: _KeepPlaces(self.make[FOLLOW]),
            PRODUCE: _KeepPlaces(self.make[PRODUCE]),
            JOIN: _KeepBlocks(self.make[JOIN]),
        }
        self._calls: list[tuple[str, bytes, bytes | int]] = []

    def take(self, step: str, key: bytes, pack: bytes) -> None:
        self._call(step, key, pack)

    def fire(self, step: str, key: bytes, fired: int) -> None:
        self._call(step, key, fired)
        self._flush()

    def deliver(self, *, some: bool = False) -> None:
        while self.pending:
            super().deliver(some=some)
            self._flush()
            if some:
                break

    def _call(self, step: str, key: bytes, what: bytes | int) -> None:
        if self._calls and (self._calls[0][0] != step or len(self._calls) >= self._bundle):
            self._flush()
        self._calls.append((step, key, what))

    def _flush(self) -> None:
        if not self._calls:
            return
        while self.random.random() < self._failures:
            self._run_bundle(commit=False)
            self._generation += 1
        self._run_bundle(commit=True)
        self._calls = []

    def _run_bundle(self, *, commit: bool) -> None:
        """One attempt: outputs, state and timers count only if it commits."""
        step = self._calls[0][0]
        keeper = self._steps[step]
        self._bundles += 1
        token = api.ProcessBundleRequest.CacheToken(
            user_state=api.ProcessBundleRequest.CacheToken.UserState(), token=b"%d" % self._generation
        )
        bags: dict[bytes, SynchronousBagRuntimeState] = {}
        timers: dict[bytes, _Timer] = defaultdict(_Timer)
        counts: Counter[str] = Counter()
        with (
            self._handler.process_instruction_id(str(self._bundles), [token] if self._tokens else []),
            counting(counts),
        ):
            keeper.start_bundle()
            outputs: list[Any] = []
            for _, key, what in self._calls:
                bag = bags.setdefault(key, self._bag(step, key))
                if isinstance(what, int):
                    timers[key].set_to.append(Timestamp(0))
                    outputs += keeper.fire(key, Timestamp(micros=what * 1000), bag, timers[key])
                else:
                    outputs += keeper.take((key, what), bag, timers[key])
            outputs += keeper.finish_bundle()
            if commit:
                for bag in bags.values():
                    bag.commit()
        self.shell_counts.update({name: counts[name] for name in ("views_rebuilt", "views_cached", "snapshots")})
        if not commit:
            return
        self.counts.update({name: counts[name] for name in counters.BY_NAME})
        for key, timer in timers.items():
            if timer.set_to:
                self.due.pop((step, key), None)
                if timer.set_to[-1].micros:
                    self.due[step, key] = timer.set_to[-1].micros // 1000
        for output in outputs:
            self._take_output(output)

    def _take_output(self, output: Any) -> None:
        if not isinstance(output, pvalue.TaggedOutput):
            self.written(output)
        elif isinstance(output.value, Finding):
            self.findings.append(output.value)
        else:
            key, pack = output.value.value if isinstance(output.value, WindowedValue) else output.value
            if output.tag == STATS:
                self.tallies += [(key, fact) for fact in StatsView.decode(pack)]
            else:
                self.pending.append((output.tag, key, pack))

    def _bag(self, step: str, key: bytes) -> SynchronousBagRuntimeState:
        state_key = api.StateKey(
            bag_user_state=api.StateKey.BagUserState(transform_id=step, user_state_id="journal", window=b"", key=key)
        )
        return SynchronousBagRuntimeState(self._handler, state_key, SegmentCoder())
