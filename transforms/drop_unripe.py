"""DropUnripe: on bounded input, a finding whose deadline lies after the last element's time is not written.

In: `Finding`s, and the collections whose time tells where the input ends. Out: the findings that a stream would have
written by then. Dropped: those whose deadline the input does not reach; nobody can know yet whether they hold.
"""

from collections.abc import Iterable

import apache_beam as beam

from transforms.findings import Finding
from transforms.records import HeaderLink, Trace


class DropUnripe(beam.PTransform):
    """See the head of this file. `inputs` are the collections of traces and header links."""

    def __init__(self, inputs: tuple[beam.PCollection, ...]) -> None:
        super().__init__()
        self._inputs = inputs

    def expand(self, findings: beam.PCollection[Finding]) -> beam.PCollection[Finding]:
        """The ripe findings."""
        ends = [
            items | f"TakeTime{index}" >> beam.Map(_timestamp) | f"FindEnd{index}" >> beam.CombineGlobally(_latest)
            for index, items in enumerate(self._inputs)
        ]
        end = ends | "MergeEnds" >> beam.Flatten() | "FindEnd" >> beam.CombineGlobally(_latest)
        return findings | "KeepRipe" >> beam.Filter(_is_ripe, beam.pvalue.AsSingleton(end))


def _timestamp(item: Trace | HeaderLink) -> int:
    return item.timestamp


def _latest(timestamps: Iterable[int]) -> int:
    return max(timestamps, default=0)


def _is_ripe(found: Finding, end: int) -> bool:
    return found.deadline is None or found.deadline <= end
