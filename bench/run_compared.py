"""Runs a graph that ours is compared with on embedded Flink: `python -m bench.run_compared NAME CONFIG.properties`."""

import os
import sys
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline.config.load import load_config
from runners.flink import runner as flink
from runners.kafka_graph import kafka_graph

if TYPE_CHECKING:
    from apache_beam import Pipeline


def main() -> int:
    """Runs the graph of the module of this name until SIGTERM; the exit code."""
    name, file = sys.argv[1:]
    config = load_config(Path(file), os.environ, ())
    tell = partial(print, file=sys.stderr, flush=True)

    def between(pipeline: "Pipeline", source: Any, sink: Any, settings: Any) -> None:
        import_module(f"bench.{name}").build(pipeline, source, sink(settings.aggregated_topic), settings)

    return flink.run(config, tell, build=kafka_graph(config, tell, between=between))


if __name__ == "__main__":
    sys.exit(main())
