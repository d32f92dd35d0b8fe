"""FollowPathways in Beam: bounded and streaming input, and what brings the facts of one message together."""

from collections import Counter
from typing import Any

import apache_beam as beam
import orjson
from apache_beam.options.pipeline_options import PipelineOptions, StandardOptions
from apache_beam.runners.direct.direct_runner import BundleBasedDirectRunner
from apache_beam.runners.portability.fn_api_runner import FnApiRunner
from apache_beam.testing import test_stream
from apache_beam.testing.util import assert_that, equal_to
from apache_beam.transforms.window import TimestampedValue

from tests.histories import START, any_trace
from transforms.input.records import ACK, COMMIT, CONSUME, SEND
from transforms.input.traces import Trace
from transforms.pathways.follow_pathways import PATHWAYS, FollowPathways, path_facts, paths_key
from transforms.state.addresses import STATS
from transforms.state.batches import Records, Traces
from transforms.state.keep_view import FINDINGS
from transforms.state.waits import Waits
from transforms.stats.stats_view import StatsView

HISTORY = [
    any_trace(type=SEND, id="1", topic="a", at=0),
    any_trace(type=ACK, id="2", topic="a", at=1),
    any_trace(type=CONSUME, id="3", topic="a", at=10),
    any_trace(type=COMMIT, id="4", topic="a", at=15),
    any_trace(type=SEND, id="5", topic="b", at=30),
    any_trace(type=SEND, id="6", topic="a", at=40, correlation_id="alone"),
]
LATE = any_trace(type=CONSUME, id="7", topic="b", at=70_000, group_id="late")


def followed(traces: Any, *, bounded: bool = False) -> Any:
    return traces | FollowPathways(Waits(), limit=1000, shards=4, bounded=bounded)


def ends(records: Records) -> list[tuple[str, list[Any], int]]:
    """Of each record the correlationId, where each hop leads, revision."""
    return [_end(orjson.loads(value)) for _, value in records]


def _end(value: dict[str, Any]) -> tuple[str, list[Any], int]:
    hops = [(hop["groupId"], hop.get("toTopic")) for hop in value["hops"]]
    return value["correlationId"], hops, value.get("revision", 1)


def edge(pack: tuple[bytes, bytes]) -> list[Any]:
    key, facts = pack
    return [
        [*orjson.loads(key), fact.shard, fact.from_topic, fact.group_id, fact.tally.count]
        for fact in StatsView.decode(facts)
    ]


def timed(trace: Trace) -> TimestampedValue:
    """A batch of one trace."""
    return TimestampedValue(Traces([trace]), trace.timestamp / 1000)


SHARD = paths_key("correlation", 4).decode()
TOLD = ["window", "b", START, SHARD, "a", "group", 1]


def test_a_bounded_input_gives_its_pathways_and_edges_at_its_end_once():
    with beam.Pipeline(runner=FnApiRunner()) as pipeline:
        steps = followed(pipeline | beam.Create([*HISTORY, LATE]) | beam.Map(timed), bounded=True)
        pathways = [("correlation", [("group", "b"), ("late", None)], 1)]
        assert_that(steps[PATHWAYS] | beam.FlatMap(ends), equal_to(pathways), label="pathways")
        assert_that(steps[STATS] | beam.FlatMap(edge), equal_to([TOLD]), label="stats")
        assert_that(steps[FINDINGS], equal_to([]), label="findings")


def test_a_stream_writes_a_pathway_when_it_is_quiet_and_again_when_a_late_fact_comes():
    stream = test_stream.TestStream().advance_watermark_to(START / 1000)
    for trace in HISTORY:
        stream = stream.add_elements([timed(trace)])
    stream = stream.advance_watermark_to(START / 1000 + 75).add_elements([timed(LATE)])
    stream = stream.advance_watermark_to(START / 1000 + 300).advance_watermark_to_infinity()
    options = PipelineOptions([])
    options.view_as(StandardOptions).streaming = True
    with beam.Pipeline(runner=BundleBasedDirectRunner(), options=options) as pipeline:
        steps = followed(pipeline | stream)
        first = ("correlation", [("group", "b")], 1)
        second = ("correlation", [("group", "b"), ("late", None)], 2)
        assert_that(steps[PATHWAYS] | beam.FlatMap(ends), equal_to([first, second]), label="pathways")
        assert_that(steps[STATS] | beam.FlatMap(edge), equal_to([TOLD]), label="stats")


def test_all_facts_of_a_correlation_id_meet_in_one_shard_and_other_traces_are_left_out():
    shards = Counter((key, fact.correlation_id) for _, key, _, fact in path_facts(HISTORY, 0, shards=4))
    assert shards == {(paths_key("correlation", 4), "correlation"): 3, (paths_key("alone", 4), "alone"): 1}
