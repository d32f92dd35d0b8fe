"""FindEnd: the event time (ms) at which bounded input ends.

In: collections of lists of `Trace`s and of `HeaderLink`s, or of `ObservedBatch`es and of `RecordBatch`es, as a tuple.
Out: one number, the latest Kafka timestamp of all; 0 if there is none. Nothing is dropped.
"""

from collections.abc import Iterable, Iterator

import apache_beam as beam
from apache_beam.transforms.window import GlobalWindow
from apache_beam.utils.windowed_value import WindowedValue

from transforms.input.record_batch import RecordBatch
from transforms.input.records import LATEST_TIMESTAMP
from transforms.observe.observed_batch import ObservedBatch
from transforms.state.batches import Links, Traces


class FindEnd(beam.PTransform):
    """See the head of this file."""

    def expand(self, inputs: tuple[beam.PCollection, ...]) -> beam.PCollection[int]:
        """The end."""
        ends = [items | f"FindEnd{index}" >> beam.ParDo(_LatestOfBundle()) for index, items in enumerate(inputs)]
        return ends | "MergeEnds" >> beam.Flatten() | "FindEnd" >> beam.CombineGlobally(_latest)


class _LatestOfBundle(beam.DoFn):
    def __init__(self) -> None:
        self._latest = 0

    def start_bundle(self) -> None:
        self._latest = 0

    def process(self, items: Traces | Links | ObservedBatch | RecordBatch) -> None:
        if isinstance(items, ObservedBatch | RecordBatch):
            latest = min(items.latest_timestamp, LATEST_TIMESTAMP)
        else:
            latest = max(item.timestamp for item in items)
        self._latest = max(self._latest, latest)

    def finish_bundle(self) -> Iterator[WindowedValue]:
        yield WindowedValue(self._latest, 0, (GlobalWindow(),))


def _latest(timestamps: Iterable[int]) -> int:
    return max(timestamps, default=0)
