"""FindEnd: the event time (ms) at which bounded input ends.

In: collections of `Trace`s and `HeaderLink`s, as a tuple. Out: one number, the latest Kafka timestamp of all; 0 if
there is none. Nothing is dropped.
"""

from collections.abc import Iterable

import apache_beam as beam

from transforms.records import HeaderLink, Trace


class FindEnd(beam.PTransform):
    """See the head of this file."""

    def expand(self, inputs: tuple[beam.PCollection, ...]) -> beam.PCollection[int]:
        """The end."""
        ends = [
            items | f"TakeTime{index}" >> beam.Map(_timestamp) | f"FindEnd{index}" >> beam.CombineGlobally(_latest)
            for index, items in enumerate(inputs)
        ]
        return ends | "MergeEnds" >> beam.Flatten() | "FindEnd" >> beam.CombineGlobally(_latest)


def _timestamp(item: Trace | HeaderLink) -> int:
    return item.timestamp


def _latest(timestamps: Iterable[int]) -> int:
    return max(timestamps, default=0)
