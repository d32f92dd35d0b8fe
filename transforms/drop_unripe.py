"""DropUnripe: on bounded input, a finding whose deadline lies after the last element's time is not written.

In: `Finding`s, and the trace items whose time tells where the input ends. Out: the findings that a stream would have
written by then. Dropped: those whose deadline the input does not reach; nobody can know yet whether they hold.
"""

import apache_beam as beam

from transforms.findings import Finding
from transforms.records import HeaderLink, Trace


class DropUnripe(beam.PTransform):
    """See the head of this file. `items` is the collection of traces and header links."""

    def __init__(self, items: beam.PCollection[Trace | HeaderLink]) -> None:
        super().__init__()
        self._items = items

    def expand(self, findings: beam.PCollection[Finding]) -> beam.PCollection[Finding]:
        """The ripe findings."""
        end = self._items | "TakeTime" >> beam.Map(_timestamp) | "FindEnd" >> beam.CombineGlobally(_latest)
        return findings | "KeepRipe" >> beam.Filter(_is_ripe, beam.pvalue.AsSingleton(end))


def _timestamp(item: Trace | HeaderLink) -> int:
    return item.timestamp


def _latest(timestamps: list[int]) -> int:
    return max(timestamps, default=0)


def _is_ripe(found: Finding, end: int) -> bool:
    return found.deadline is None or found.deadline <= end
