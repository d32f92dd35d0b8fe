"""LimitFindings: writes some findings of a reason, topic, group and minute singly, the rest as one summary.

In: `Finding`s. Out: `anomalies` (lists of records for the anomaly topic), `stats` (packs for windows: how many are
open). No finding is dropped: what has no record of its own is counted in the summary.
See transforms/findings/findings_view.py.
"""

from collections.abc import Iterator
from functools import partial
from typing import Any

import apache_beam as beam

from transforms.findings.findings import LOG_RESTARTED, MINUTE_MS, Finding
from transforms.findings.findings_view import FindingsView, FindingTold
from transforms.state.addresses import LIMIT, STATS, finding_key
from transforms.state.batches import Records, typed
from transforms.state.keep_view import KeepView
from transforms.state.packs import KeyedPack, PackFacts
from transforms.state.view import Addressed
from transforms.state.waits import Waits


class LimitFindings(beam.PTransform):
    """See the head of this file. `burst` is the number of single records."""

    def __init__(self, waits: Waits, burst: int, *, cluster: str = "", bounded: bool = False) -> None:
        super().__init__()
        self._bounded = bounded
        self._make_view = partial(FindingsView, waits=waits, burst=burst, cluster=cluster, bounded=bounded)

    def expand(self, findings: beam.PCollection[Finding]) -> Any:
        """All outputs, by name."""
        packs = findings | "PackFindings" >> beam.ParDo(PackFacts(addressed)).with_output_types(KeyedPack)
        keeper = beam.ParDo(_KeepFindings(self._make_view, bounded=self._bounded))
        return typed(packs | "KeepFindings" >> keeper.with_outputs(STATS, main="anomalies"), anomalies=Records)


def addressed(found: Finding, at: int) -> Iterator[Addressed]:
    """The fact of a finding that was told at this event time (ms), and where it goes.

    What has neither produce time nor date is limited by the minute in which it is told; it is negative in the key, lest
    it be taken for a window of produce time. That a log restarted is told once, so all of it comes to one key.
    """
    minute = 0 if found.reason == LOG_RESTARTED else found.minute or at % MINUTE_MS - at
    key = finding_key(found.reason, found.topic, found.group, minute)
    yield LIMIT, key, at, FindingTold(at, found.value)


class _KeepFindings(KeepView, name="findings"):
    pass
