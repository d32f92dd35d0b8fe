"""What observing adds to the graph, and that it adds nothing where no topic is observed."""

import apache_beam as beam
import pytest

from pipeline.config.load import Config
from pipeline.config.settings import Settings
from pipeline.graph import Sinks, build
from pipeline.io.read_from_kafka import KafkaStream
from pipeline.sinks import WriteToMemory
from runners.flink.stable_names import named_by_label
from tests.pipeline.test_state_layout import layout


def steps(settings: Settings) -> set[str]:
    pipeline = beam.Pipeline()
    build(pipeline, KafkaStream(Config(settings)), Sinks(*map(WriteToMemory, Sinks._fields)), settings)
    return {each.unique_name for each in named_by_label(pipeline.to_runner_api()).components.transforms.values()}


@pytest.mark.parametrize("more", [{}, {"trace_topics": "orders", "trace_pathways": True}])
def test_observing_adds_steps_of_its_own_and_leaves_all_others_as_they_are(more):
    plain, observing = Settings(**more), Settings(observe_topics="orders", **more)
    added = steps(observing) - steps(plain)
    assert steps(plain) <= steps(observing)
    assert all("Observe" in name for name in added), added
    assert not any("Observe" in name for name in steps(plain))


def test_the_state_of_observing_is_beside_that_of_all_else():
    plain, observing = Settings(), Settings(observe_topics="orders")
    before, after = (layout(each, KafkaStream(Config(each))) for each in (plain, observing))
    assert {name: after[name] for name in before} == before
    own = {name.split("/")[-2]: step["state"] for name, step in after.items() if name not in before}
    assert own == {
        "KeepGroups": {"groups_journal": "SegmentCoder"},
        "KeepPartitions": {"observed_journal": "SegmentCoder"},
    }
