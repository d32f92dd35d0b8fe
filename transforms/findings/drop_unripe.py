"""DropUnripe: on bounded input, a finding whose deadline lies after the last element's time is not written.

In: `Finding`s, and a collection of one number: the event time (ms) at which the input ends. Out: the findings that a
stream would have written by then. Dropped: those whose deadline the input does not reach; nobody can know yet whether
they hold.
"""

import apache_beam as beam

from transforms.findings.findings import Finding


class DropUnripe(beam.PTransform):
    """See the head of this file."""

    def __init__(self, end: beam.PCollection[int]) -> None:
        super().__init__()
        self._end = beam.pvalue.AsSingleton(end)

    def expand(self, findings: beam.PCollection[Finding]) -> beam.PCollection[Finding]:
        """The ripe findings."""
        return findings | beam.Filter(_is_ripe, self._end)


def _is_ripe(found: Finding, end: int) -> bool:
    return found.deadline is None or found.deadline <= end
