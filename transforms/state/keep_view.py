"""KeepView: the shell of every stateful step. It moves state and timers; every decision is in the view.

In: `(key, pack)`. Out: lists of records on the main output, `Finding`s on `findings`, packs for other views on the
outputs named by their destination. State: one journal (transforms/state/journal.py). Timer: one WATERMARK timer per
key, at the earliest deadline of its view.
"""

from collections.abc import Callable, Iterator
from typing import Any

import apache_beam as beam
from apache_beam import pvalue
from apache_beam.transforms.timeutil import TimeDomain
from apache_beam.transforms.userstate import BagStateSpec, TimerSpec, on_timer
from apache_beam.utils.timestamp import Timestamp

from transforms.state import counters
from transforms.state.collector import calm_collector
from transforms.state.journal import Bag, JournaledView, SegmentCoder
from transforms.state.packs import KeyedPack, Packer
from transforms.state.view import Outputs, View

FINDINGS = "findings"
#: Event time (ms) after all deadlines.
END_OF_TIME = 2**62


class KeepView(beam.DoFn):
    """See the head of this file. `make_view` makes the empty view of a key.

    With `bounded` input a timer fires only when all input is there, so the first one ends all waits of its key: one
    bundle instead of one for each second of event time.

    Each step is a class of its own, `class _KeepBlocks(KeepView, name="blocks")`: FnApiRunner mixes up the timers of
    two steps whose timers have the same id, and Beam reads state and timer off the methods of the class. The name is
    part of the saved state.
    """

    def __init_subclass__(cls, *, name: str) -> None:
        """Give the step its state and its timer."""
        super().__init_subclass__()
        journals = BagStateSpec(f"{name}_journal", SegmentCoder())
        deadlines = TimerSpec(f"{name}_deadline", TimeDomain.WATERMARK)

        def process(
            self: KeepView,
            element: KeyedPack,
            journal: Bag = beam.DoFn.StateParam(journals),
            deadline: Any = beam.DoFn.TimerParam(deadlines),
        ) -> Iterator[Any]:
            return self.take(element, journal, deadline)

        @on_timer(deadlines)
        def on_deadline(
            self: KeepView,
            key: bytes = beam.DoFn.KeyParam,
            fired: Timestamp = beam.DoFn.TimestampParam,
            journal: Bag = beam.DoFn.StateParam(journals),
            deadline: Any = beam.DoFn.TimerParam(deadlines),
        ) -> Iterator[Any]:
            return self.fire(key, fired, journal, deadline)

        cls.process = process
        cls.on_deadline = on_deadline

    def __init__(self, make_view: Callable[[bytes], View], *, bounded: bool = False) -> None:
        self._make_view = make_view
        self._bounded = bounded
        self._packer = Packer()

    def setup(self) -> None:
        """Views are many long-lived objects without cycles."""
        calm_collector()

    def start_bundle(self) -> None:
        """Nothing of a failed bundle is sent."""
        self._packer = Packer()

    def take(self, element: KeyedPack, journal: Bag, deadline: Any) -> Iterator[Any]:
        """Take in a pack."""
        key, pack = element
        journaled = self._open(key, journal)
        outputs = journaled.on_facts(journal, pack)
        self._close(journaled, outputs, journal, deadline)
        return self._emit(outputs)

    def fire(self, key: bytes, fired: Timestamp, journal: Bag, deadline: Any) -> Iterator[Any]:
        """Tell the view the time of the timer, and arm it for what is due next."""
        journaled = self._open(key, journal)
        now = END_OF_TIME if self._bounded else fired.micros // 1000
        due = journaled.view.deadline()
        outputs = journaled.on_time(journal, now) if due is not None and due <= now else Outputs()
        journaled.armed = None
        self._close(journaled, outputs, journal, deadline)
        return self._emit(outputs)

    def finish_bundle(self) -> Iterator[Any]:
        """Send the facts for other views, one pack per key."""
        for destination, pack in self._packer.flush():
            yield pvalue.TaggedOutput(destination, pack)

    def _open(self, key: bytes, journal: Bag) -> JournaledView:
        journaled, is_rebuilt = JournaledView.open(journal, lambda: self._make_view(key))
        (counters.VIEWS_REBUILT if is_rebuilt else counters.VIEWS_CACHED).inc()
        return journaled

    def _close(self, journaled: JournaledView, outputs: Outputs, journal: Bag, deadline: Any) -> None:
        """Keep the journal short and the timer right."""
        if not self._bounded and journaled.rewrite(journal, is_quiet=outputs.is_quiet):  # what ends soon stays long
            counters.SNAPSHOTS.inc()
        due = journaled.view.deadline()
        if due is not None and (journaled.armed is None or due < journaled.armed):  # fired too early, it is set anew
            deadline.set(Timestamp(micros=due * 1000))
            journaled.armed = due

    def _emit(self, outputs: Outputs) -> Iterator[Any]:
        for name, count in outputs.counts.items():
            counters.BY_NAME[name].inc(count)
        if outputs.records:
            yield outputs.records
        for found in outputs.findings:
            yield pvalue.TaggedOutput(FINDINGS, found)
        for item in outputs.facts:
            if self._packer.add(item):
                destination, key, *_ = item
                yield pvalue.TaggedOutput(destination, self._packer.take(destination, key))
