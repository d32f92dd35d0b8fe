"""The order in which the input is read never matters: the last word per id is the same, of all that is written."""

from random import Random
from typing import Any
from uuid import uuid4

import orjson
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from pipeline.config.settings import Settings
from pipeline.graph import Sinks, build
from pipeline.sinks import WriteToMemory
from pipeline.sources import MemorySource
from runners.direct import run_graph
from tests.histories import Item, changed
from tests.pipeline.test_graph import inputs
from tests.simulated import Plan, plans, traffic
from transforms.input.traces import Trace

#: Everything that may be odd at once, traces that lie twice and bursts of findings among it.
ODD = Plan(
    3, 40, twice=0.4, missing=0.2, repeats=0.1, restarts=0.1, rebalances=0.1, retries=0.1, careless=0.1, delay_ms=3000
)


def last_words(items: list[Item], burst: int) -> dict[str, dict[Any, Any]]:
    """Per output and key (of a trace: its id) what was written last of it, however often it was written before.

    What was withdrawn or resolved is as good as never written.
    """
    names = [str(uuid4()) for _ in Sinks._fields]
    options = Settings(block_size=8, locate_shards=4, anomaly_burst=burst, trace_pathways=True)
    source = MemorySource(*inputs(items))
    run_graph(lambda pipeline: build(pipeline, source, Sinks(*map(WriteToMemory, names)), options))
    written = dict(zip(Sinks._fields, (WriteToMemory.records.pop(name, []) for name in names), strict=True))
    assert written["dead_letters"] == []
    words: dict[str, dict[Any, Any]] = {}
    for output, records in written.items():
        of_output = words[output] = {}
        for key, value in records:
            record = orjson.loads(value)
            record.pop("revision", None)
            of_output[record["id"] if output == "traces" else key] = record
    return {
        output: {key: value for key, value in of_output.items() if not value.keys() & {"withdrawn", "resolved"}}
        for output, of_output in words.items()
    }


@given(plans(st.integers(1, 20), twice=0.4), st.integers(1, 3), st.integers(0, 2**32))
@example(ODD, 2, 1)
@settings(max_examples=6, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
def test_traces_findings_statistics_and_pathways_are_the_same_in_any_order(plan, burst, seed):
    items = traffic(plan)
    shuffled = [*items]
    Random(seed).shuffle(shuffled)  # noqa: S311  repeatable
    one, other = last_words(items, burst), last_words(shuffled, burst)
    assert one["traces"]
    for output in Sinks._fields:
        assert one[output] == other[output], output


def test_what_is_read_again_changes_nothing_that_is_written():
    """Each trace lies twice, the second time a minute later; failed sends aside, whose ACKs are not kept."""
    items = traffic(Plan(5, 30, failures=0.0, missing=0.1))
    again = [changed(item, timestamp=item.timestamp + 60_000) for item in items if isinstance(item, Trace)]
    last = changed(items[-1], id="last", timestamp=again[-1].timestamp) if isinstance(items[-1], Trace) else items[-1]
    once, twice = last_words([*items, last], 100), last_words([*items, *again, last], 100)
    for output in Sinks._fields:
        assert once[output] == twice[output], output
