"""Runs a graph that ours is compared with on embedded Flink: `python -m bench.run_compared NAME CONFIG.properties`."""

import os
import sys
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.config import Config, load_config
from runners import flink
from runners.job_server import Build
from runners.reads import Reads

if TYPE_CHECKING:
    from apache_beam import Pipeline


def compared_graph(config: Config, name: str) -> Build:
    """The graph of the module of this name, from Kafka to Kafka like `runners.flink.kafka_graph`."""
    settings, producer = config.settings, config.producer_properties()

    def build(pipeline: "Pipeline", reads: Reads, expansion_service: str) -> None:
        from pipeline.kafka_sinks import WriteTopic
        from pipeline.kafka_sources import KafkaSource

        source = KafkaSource(reads.tracing, reads.headers, expansion_service)
        sink = WriteTopic(settings.aggregated_topic, producer, expansion_service)
        import_module(f"bench.{name}").build(pipeline, source, sink, settings)

    return build


def main() -> int:
    """Runs until SIGTERM; the exit code."""
    name, file = sys.argv[1:]
    config = load_config(Path(file), os.environ, ())
    return flink.run(config, partial(print, file=sys.stderr, flush=True), build=compared_graph(config, name))


if __name__ == "__main__":
    sys.exit(main())
