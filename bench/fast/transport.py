"""What the transport costs: every raw trace is read and written again as it is, and nothing else is done.

Source, sink, runner and flags are those of the real pipeline: no aggregator on this machine can be faster or cheaper.
`python -m bench.fast.transport CONFIG.properties` runs it on embedded Flink until SIGTERM.
"""

import os
import sys
from functools import partial
from pathlib import Path
from typing import Any

import apache_beam as beam

from pipeline.config.load import load_config
from pipeline.config.settings import Settings
from pipeline.sources import Source
from runners.flink import runner as flink
from runners.kafka_graph import kafka_graph
from transforms.input.record_batch import RecordBatch
from transforms.state.batches import Records


def build(pipeline: beam.Pipeline, source: Source, sink: beam.PTransform) -> None:
    """Add all steps to the pipeline."""
    copied = source.read(pipeline).traces | "CopyTraces" >> beam.Map(_copied)
    copied | "WriteTraces" >> sink


def _copied(batch: RecordBatch) -> Records:
    return Records(zip((key or b"" for key in batch.keys), (value or b"" for value in batch.values), strict=True))


def main() -> int:
    """Run it; the exit code."""
    config = load_config(Path(sys.argv[1]), os.environ, ())
    tell = partial(print, file=sys.stderr, flush=True)

    def between(pipeline: beam.Pipeline, source: Any, sink: Any, settings: Settings) -> None:
        build(pipeline, source, sink(settings.aggregated_topic))

    return flink.run(config, tell, build=kafka_graph(config, tell, between=between))


if __name__ == "__main__":
    sys.exit(main())
