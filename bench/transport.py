"""What the transport costs: every raw trace is read and written again as it is, and nothing else is done.

Source, sink, runner and flags are those of the real pipeline: no aggregator on this machine can be faster or cheaper.
"""

from collections.abc import Iterator

import apache_beam as beam

from pipeline.config.settings import Settings
from pipeline.sources import Source
from transforms.record_batch import RecordBatch
from transforms.records import KeyValue


def build(pipeline: beam.Pipeline, source: Source, sink: beam.PTransform, _settings: Settings) -> None:
    """Add all steps to the pipeline."""
    copied = source.read(pipeline).traces | "CopyTraces" >> beam.FlatMap(_copied).with_output_types(KeyValue)
    copied | "WriteTraces" >> sink


def _copied(batch: RecordBatch) -> Iterator[KeyValue]:
    return zip((key or b"" for key in batch.keys), (value or b"" for value in batch.values), strict=True)
