"""What saved state is found by: labels of steps, ids of state and timers, coders. It changes with the format only."""

import json
from pathlib import Path
from typing import Any

import apache_beam as beam
import pytest
from apache_beam.portability import common_urns
from apache_beam.portability.api import beam_runner_api_pb2

from pipeline.config.load import Config
from pipeline.config.settings import Settings
from pipeline.graph import Sinks, build
from pipeline.io.read_from_kafka import KafkaStream
from pipeline.sinks import WriteToMemory
from pipeline.sources import MemorySource, Read, Source
from runners.flink.stable_names import named_by_label
from transforms.input.record_batch import RecordBatch
from transforms.state.journal import FORMAT

LAYOUT = Path(__file__).parents[1] / "data" / f"state-layout-format-{FORMAT}.json"


class Streaming:
    """An endless source of nothing; `steps` are its own."""

    bounded = False

    def __init__(self, steps: int = 1) -> None:
        self._steps = steps

    def read(self, pipeline: beam.Pipeline) -> Read:
        traces, *others = MemorySource([]).read(pipeline)
        for number in range(self._steps):
            traces = traces | f"Step{number}" >> beam.Map(_same).with_output_types(RecordBatch)
        return Read(traces, *others)


def _same(batch: RecordBatch) -> RecordBatch:
    return batch


def layout(settings: Settings, source: Source) -> dict[str, Any]:
    """Of each step with state: the name that Flink finds it by, its state and timers by id, and all coders."""
    pipeline = beam.Pipeline()
    build(pipeline, source, Sinks(*map(WriteToMemory, Sinks._fields)), settings)
    proto = named_by_label(pipeline.to_runner_api())
    found = {}
    for transform in proto.components.transforms.values():
        if transform.spec.urn != common_urns.primitives.PAR_DO.urn:
            continue
        payload = beam_runner_api_pb2.ParDoPayload.FromString(transform.spec.payload)
        if not payload.state_specs and not payload.timer_family_specs:
            continue
        [(_, source)] = transform.inputs.items()
        coders = proto.components.coders
        found[transform.unique_name] = {
            "input": source,
            "key and value": described(coders, proto.components.pcollections[source].coder_id),
            "state": {
                name: described(coders, spec.bag_spec.element_coder_id or spec.read_modify_write_spec.coder_id)
                for name, spec in payload.state_specs.items()
            },
            "timers": sorted(payload.timer_family_specs),
        }
    return found


def described(coders: Any, name: str) -> str:
    coder = coders[name]
    # A Python coder is pickled whole; which one it is, is in the pickle.
    urn = coder.spec.urn.removeprefix("beam:coder:")
    kind = "SegmentCoder" if b"SegmentCoder" in coder.spec.payload else urn
    parts = [described(coders, part) for part in coder.component_coder_ids]
    return f"{kind}({', '.join(parts)})" if parts else kind


def test_the_layout_of_the_state_is_that_of_its_format():
    """When it has to change: raise FORMAT in transforms/state/journal.py, and write the file of the new one."""
    assert layout(Settings(trace_pathways=True), KafkaStream(Config())) == json.loads(LAYOUT.read_text())


@pytest.mark.parametrize(
    "settings", [Settings(), Settings(trace_topics="orders", topics_exclude="internal", commit_mode="exact")]
)
def test_no_setting_changes_where_the_state_of_a_step_is_found(settings):
    saved = json.loads(LAYOUT.read_text())
    found = layout(settings, KafkaStream(Config(settings)))
    assert len(found) == len(saved) - 1  # without pathways
    assert {name: saved[name] for name in found} == found


def test_one_step_more_in_the_source_changes_nothing_either():
    settings = Settings(trace_pathways=True)
    assert layout(settings, Streaming(steps=3)) == layout(settings, Streaming())
