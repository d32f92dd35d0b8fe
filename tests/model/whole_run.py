"""A run of the whole core without Beam, from traces to what lies on the output topics; failures too."""

from collections import defaultdict
from functools import partial
from typing import Any

import orjson

from tests.pure_run import Checkpoint, PureRun, Record
from transforms.findings.findings import Finding
from transforms.findings.findings_view import FindingsView
from transforms.findings.limit_findings import addressed
from transforms.state.addresses import LIMIT, STATS
from transforms.state.packs import pack_of
from transforms.state.view import Outputs
from transforms.state.waits import Waits
from transforms.stats.stats_view import StatsView


class WholeRun(PureRun):
    """A PureRun whose findings go through FindingsViews to `anomalies`, and its tallies through StatsViews to `stats`.

    After a failure all goes on from the last checkpoint, outputs too, as if they were written with the checkpoint. Ours
    are written at least once: what was written in between (`lost`) lies there still.
    """

    def __init__(self, *, burst: int = 100, waits: Waits | None = None, cluster: str = "", **options: Any) -> None:
        super().__init__(waits=waits, cluster=cluster, **options)
        self.anomalies: list[Record] = []
        self.stats: list[Record] = []
        self.lost: list[Any] = []
        common: dict[str, Any] = {"waits": waits or Waits(), "cluster": cluster}
        self.make |= {LIMIT: partial(FindingsView, burst=burst, **common), STATS: partial(StatsView, **common)}
        self._kept: tuple[Checkpoint, list[int]] = (self.checkpoint(), [0] * 5)

    def keep(self) -> None:
        """A checkpoint is taken."""
        self._kept = self.checkpoint(), [len(written) for written in self._topics()]

    def fail(self) -> None:
        """Something breaks: all goes on from the last checkpoint."""
        checkpoint, lengths = self._kept
        for written, length in zip(self._topics(), lengths, strict=True):
            self.lost += written[length:]
            del written[length:]
        self.restore(checkpoint)

    def _topics(self) -> list[list[Any]]:
        return [self.records, self.anomalies, self.stats, self.findings, self.tallies]

    def emit(self, kind: str, outputs: Outputs) -> None:
        if kind in {LIMIT, STATS}:
            topic = self.anomalies if kind == LIMIT else self.stats
            topic += [(orjson.loads(key), orjson.loads(value)) for key, value in outputs.records]
            outputs.records = []
        for destination, key, _, fact in outputs.facts:
            if destination == STATS:
                self.tally(key, fact)
        outputs.facts = [each for each in outputs.facts if each[0] != STATS]
        super().emit(kind, outputs)

    def found(self, findings: list[Finding]) -> None:
        super().found(findings)
        batches: dict[bytes, list[Any]] = defaultdict(list)
        for found in findings:
            for _, key, _, fact in addressed(found, max(self.now, 0)):
                batches[key].append(fact)
        self.pending += [(LIMIT, key, pack_of(events)) for key, events in batches.items()]

    def tally(self, key: bytes, fact: Any) -> None:
        super().tally(key, fact)
        self.pending.append((STATS, key, pack_of([fact])))
