"""A WholeRun in which every view has a twin, built again from its journal, that must do as it does."""

from functools import partial
from typing import Any

from bench.engine import MemoryBag
from tests.model.whole_run import WholeRun
from transforms.state.addresses import LOCATE
from transforms.state.journal import JournaledView, SegmentCoder


class TwinRun(WholeRun):
    """See the head of this file. `compared` counts the steps of twins that had something to rebuild."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.compared = 0

    def on_view(self, step: str, key: bytes, act: Any) -> None:
        coder, copy, bag = SegmentCoder(), MemoryBag(), self.bags[step, key]
        copy.segments = [coder.decode(coder.encode(segment)) for segment in bag.segments]
        twin, rebuilt = JournaledView.open(copy, partial(self.make[step], key))
        journaled, _ = JournaledView.open(bag, partial(self.make[step], key))
        self._compare(step, journaled, twin)
        outputs, again = (act(one, of) for one, of in ((journaled, bag), (twin, copy)))
        for said, said_again in (
            (outputs.records, again.records), (outputs.findings, again.findings), (outputs.facts, again.facts),
        ):  # fmt: skip
            assert sorted(map(repr, said)) == sorted(map(repr, said_again))
        assert outputs.counts == again.counts
        self._compare(step, journaled, twin)
        self.compared += rebuilt
        self.close(step, key, journaled, outputs)

    def _compare(self, step: str, journaled: JournaledView, twin: JournaledView) -> None:
        """Both wait for the same. When a SendsView looks for what is quiet changes nothing that is told."""
        if step != LOCATE:
            assert journaled.view.deadline() == twin.view.deadline()
        assert bool(journaled.view.size()) == bool(twin.view.size())
