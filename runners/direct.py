"""The direct runner: bounded input, in this process, without Java.

It is Beam's FnApiRunner, named explicitly: DirectRunner would try Prism first for some pipelines (docs/adr/0004).
"""

from collections import Counter
from collections.abc import Callable

import apache_beam as beam
from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.runners.portability.fn_api_runner import FnApiRunner, worker_handlers

from transforms.state.collector import calm_collector
from transforms.state.counters import NAMESPACE

# This runner holds whole stages in memory anyway, and has no option for it: at its own 100 MB views are rebuilt.
worker_handlers.STATE_CACHE_SIZE_MB = 4096


def run_graph(build: Callable[[beam.Pipeline], None]) -> Counter[str]:
    """Build the graph, run it to its end, and return the counters of the run by name."""
    calm_collector()
    pipeline = beam.Pipeline(runner=FnApiRunner(), options=PipelineOptions([]))
    build(pipeline)
    result = pipeline.run()
    result.wait_until_finish()
    counted = result.metrics().query()["counters"]
    sums: Counter[str] = Counter()
    for one in counted:
        if one.key.metric.namespace == NAMESPACE:
            sums[one.key.metric.name] += one.committed
    return sums
