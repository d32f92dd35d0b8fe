"""The naive join does the same work as ours, or the comparison would say nothing."""

import orjson
import pytest

from bench import naive
from bench.generate import Traffic
from pipeline import graph
from pipeline.config.settings import Settings
from pipeline.sinks import WriteToMemory
from pipeline.sources import MemorySource
from runners.direct import run_graph
from transforms.input.records import KafkaRecord

START = 1_795_359_281_000_000_000


@pytest.fixture
def source():
    traces = Traffic(50, START, groups=2).traces()
    return MemorySource(
        [
            KafkaRecord("_tracing", 0, n, trace.date // 1_000_000, trace.key, trace.value)
            for n, trace in enumerate(traces)
        ]
    )


def written(name):
    values = (orjson.loads(value) for _, value in WriteToMemory.records.pop(name))
    return {value["id"]: {key: value[key] for key in value if key != "deliveryCount"} for value in values}


def test_the_naive_join_writes_the_records_that_ours_writes(source):
    settings = Settings()
    run_graph(lambda pipeline: naive.build(pipeline, source, WriteToMemory("naive"), settings))
    sinks = graph.Sinks(WriteToMemory("ours"), *(WriteToMemory(f"other {number}") for number in range(4)))
    run_graph(lambda pipeline: graph.build(pipeline, source, sinks, settings))
    ours = written("ours")
    assert len(ours) == 300
    assert written("naive") == ours
