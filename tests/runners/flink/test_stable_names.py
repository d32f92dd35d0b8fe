import apache_beam as beam
import pytest
from apache_beam.coders import BytesCoder
from apache_beam.portability import common_urns
from apache_beam.portability.api import beam_runner_api_pb2
from apache_beam.transforms.timeutil import TimeDomain
from apache_beam.transforms.userstate import BagStateSpec, TimerSpec, on_timer

from runners.flink.stable_names import named_by_label


def pipeline(*, one_more: bool) -> beam_runner_api_pb2.Pipeline:
    built = beam.Pipeline()
    first = built | "First" >> beam.Create([1])
    if one_more:
        built | "OneMore" >> beam.Create([2])
    outputs = first | "Part" >> beam.ParDo(lambda one: [one]).with_outputs("left", main="main")
    (outputs.main, outputs.left) | "Together" >> beam.Flatten() | "Last" >> beam.Map(str)
    return built.to_runner_api()


def inputs(proto: beam_runner_api_pb2.Pipeline) -> dict[str, str]:
    steps = proto.components.transforms.values()
    return {step.unique_name: each for step in steps if step.subtransforms == [] for each in step.inputs.values()}


def test_a_step_before_it_does_not_change_what_an_input_is_called():
    few, more = (inputs(named_by_label(pipeline(one_more=one_more))) for one_more in (False, True))
    assert {name: more[name] for name in few} == few
    assert few["Last"] == "Together.None"
    plain, longer = (inputs(pipeline(one_more=one_more)) for one_more in (False, True))
    assert plain["Last"] != longer["Last"], "Beam's own ids are numbers"


def test_transforms_and_coders_are_called_the_same_whatever_comes_before_them():
    few, more = (named_by_label(pipeline(one_more=one_more)).components for one_more in (False, True))
    assert {name for name in few.transforms if not name.startswith("ref_")} <= set(more.transforms)
    assert set(few.coders) <= set(more.coders)


@pytest.mark.parametrize("one_more", [False, True])
def test_the_pipeline_is_the_same_but_for_the_names(one_more):
    before = pipeline(one_more=one_more)
    after = named_by_label(before)
    assert len(after.components.pcollections) == len(before.components.pcollections)
    assert len(after.components.transforms) == len(before.components.transforms)
    steps = {step.unique_name: step for step in before.components.transforms.values()}
    for name, step in after.components.transforms.items():
        theirs = steps[step.unique_name]
        assert name == step.unique_name or not step.unique_name
        assert step.inputs.keys() == theirs.inputs.keys()
        assert step.outputs.keys() == theirs.outputs.keys()
        assert len(step.subtransforms) == len(theirs.subtransforms)
        assert set(step.subtransforms) <= set(after.components.transforms)
        for place in (*step.inputs.values(), *step.outputs.values()):
            assert after.components.pcollections[place].coder_id in after.components.coders
    for coder in after.components.coders.values():
        assert set(coder.component_coder_ids) <= set(after.components.coders)


def test_state_and_timers_name_coders_that_there_are():
    built = beam.Pipeline()
    packs = built | beam.Create([(b"k", b"v")]).with_output_types(tuple[bytes, bytes])
    packs | "Keep" >> beam.ParDo(_Keep())
    components = named_by_label(built.to_runner_api()).components
    payload = beam_runner_api_pb2.ParDoPayload.FromString(components.transforms["Keep"].spec.payload)
    assert payload.state_specs["kept"].bag_spec.element_coder_id in components.coders
    assert payload.timer_family_specs["ts-due"].timer_family_coder_id in components.coders


class _Keep(beam.DoFn):
    KEPT = BagStateSpec("kept", BytesCoder())
    DUE = TimerSpec("due", TimeDomain.WATERMARK)

    def process(self, element, kept=beam.DoFn.StateParam(KEPT), due=beam.DoFn.TimerParam(DUE)):
        kept.add(element[1])
        due.set(1)

    @on_timer(DUE)
    def on_due(self):
        return []


def test_both_outputs_of_a_step_have_a_name():
    [part] = [
        step
        for step in named_by_label(pipeline(one_more=False)).components.transforms.values()
        if step.spec.urn == common_urns.primitives.PAR_DO.urn and len(step.outputs) == 2
    ]
    assert len(set(part.outputs.values())) == 2
