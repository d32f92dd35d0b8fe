"""What the transport costs: every raw trace is read and written again as it is, and nothing else is done.

Source, sink, runner and flags are those of the real pipeline: no aggregator on this machine can be faster or cheaper.
"""

import apache_beam as beam

from pipeline.config.settings import Settings
from pipeline.sources import Source
from transforms.input.record_batch import RecordBatch
from transforms.state.batches import Records


def build(pipeline: beam.Pipeline, source: Source, sink: beam.PTransform, _settings: Settings) -> None:
    """Add all steps to the pipeline."""
    copied = source.read(pipeline).traces | "CopyTraces" >> beam.Map(_copied)
    copied | "WriteTraces" >> sink


def _copied(batch: RecordBatch) -> Records:
    return Records(zip((key or b"" for key in batch.keys), (value or b"" for value in batch.values), strict=True))
