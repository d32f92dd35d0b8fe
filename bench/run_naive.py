"""Runs the naive join (bench/naive.py) on embedded Flink: `python -m bench.run_naive CONFIG.properties`."""

import os
import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.config import Config, load_config
from runners import flink
from runners.job_server import Build
from runners.reads import Reads

if TYPE_CHECKING:
    from apache_beam import Pipeline


def naive_graph(config: Config) -> Build:
    """From Kafka to Kafka, like `runners.flink.kafka_graph`."""
    settings, producer = config.settings, config.producer_properties()

    def build(pipeline: "Pipeline", reads: Reads, expansion_service: str) -> None:
        from bench import naive
        from pipeline.kafka_sinks import WriteTopic
        from pipeline.kafka_sources import KafkaSource

        sink = WriteTopic(settings.aggregated_topic, producer, expansion_service)
        naive.build(pipeline, KafkaSource(reads.tracing, reads.headers, expansion_service), sink, settings)

    return build


def main() -> int:
    """Runs until SIGTERM; the exit code."""
    config = load_config(Path(sys.argv[1]), os.environ, ())
    return flink.run(config, partial(print, file=sys.stderr, flush=True), build=naive_graph(config))


if __name__ == "__main__":
    sys.exit(main())
