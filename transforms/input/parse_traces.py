"""ParseTraces: strict validation, before any state.

In: batches of records of the tracing topic. Out: lists of `Trace`s on the main output; `DeadLetter` on `dead_letters`
for every record that is not a valid trace, with its bytes and the reason; traces of topics that are not followed are
counted and dropped.
"""

from collections.abc import Callable, Iterator
from typing import Any

import apache_beam as beam
from apache_beam import pvalue

from transforms.input.batch_parser import parse_traces
from transforms.input.dead_letters import DeadLetter
from transforms.input.record_batch import RecordBatch
from transforms.input.records import KafkaRecord
from transforms.input.strict_parser import Refused
from transforms.state import counters
from transforms.state.batches import Traces, typed

DEAD_LETTERS = "dead_letters"


class ParseTraces(beam.PTransform):
    """See the head of this file. `follows` says whether the traces of a topic are wanted."""

    def __init__(self, max_ahead_ms: int, follows: Callable[[str], bool] | None = None) -> None:
        super().__init__()
        self._max_ahead_ms = max_ahead_ms
        self._follows = follows

    def expand(self, batches: beam.PCollection[RecordBatch]) -> dict[str, beam.PCollection]:
        """Both outputs, by name."""
        parsed = batches | "ParseBatch" >> beam.ParDo(_ParseBatch(self._max_ahead_ms, self._follows)).with_outputs(
            DEAD_LETTERS, main="traces"
        )
        return {"traces": typed(parsed, traces=Traces).traces, DEAD_LETTERS: parsed[DEAD_LETTERS]}


class _ParseBatch(beam.DoFn):
    def __init__(self, max_ahead_ms: int, follows: Callable[[str], bool] | None) -> None:
        self._max_ahead_ms = max_ahead_ms
        self._follows = follows

    def process(self, batch: RecordBatch) -> Iterator[Any]:
        parsed = parse_traces(batch.values, batch.timestamps, self._max_ahead_ms)
        traces = Traces()
        for number, result in enumerate(parsed):
            if isinstance(result, Refused):
                yield from self._refused(batch, number, result)
            elif self._follows is None or self._follows(result.topic):
                traces.append(result)
            else:
                counters.RECEIVED.inc()
                counters.NOT_FOLLOWED.inc()
        counters.RECEIVED.inc(len(traces))
        counters.PARSED.inc(len(traces))
        if traces:
            yield traces

    def _refused(self, batch: RecordBatch, number: int, refused: Refused) -> Iterator[pvalue.TaggedOutput]:
        counters.RECEIVED.inc()
        counters.DEAD_LETTERED.inc()
        place = batch.topics[number], batch.partitions[number], batch.offsets[number], batch.timestamps[number]
        record = KafkaRecord(*place, batch.keys[number], batch.values[number])
        yield pvalue.TaggedOutput(DEAD_LETTERS, DeadLetter(record, *refused))
