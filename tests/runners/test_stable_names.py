import apache_beam as beam
import pytest
from apache_beam.portability import common_urns
from apache_beam.portability.api import beam_runner_api_pb2

from runners.stable_names import named_by_producer


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
    few, more = (inputs(named_by_producer(pipeline(one_more=one_more))) for one_more in (False, True))
    assert {name: more[name] for name in few} == few
    assert few["Last"] == "Together.None"
    plain, longer = (inputs(pipeline(one_more=one_more)) for one_more in (False, True))
    assert plain["Last"] != longer["Last"], "Beam's own ids are numbers"


@pytest.mark.parametrize("one_more", [False, True])
def test_the_pipeline_is_the_same_but_for_the_names(one_more):
    before = pipeline(one_more=one_more)
    after = named_by_producer(before)
    assert len(after.components.pcollections) == len(before.components.pcollections)
    for name, step in after.components.transforms.items():
        theirs = before.components.transforms[name]
        assert step.inputs.keys() == theirs.inputs.keys()
        assert step.outputs.keys() == theirs.outputs.keys()
        for place in (*step.inputs.values(), *step.outputs.values()):
            assert place in after.components.pcollections
        assert step.spec == theirs.spec


def test_both_outputs_of_a_step_have_a_name():
    [part] = [
        step
        for step in named_by_producer(pipeline(one_more=False)).components.transforms.values()
        if step.spec.urn == common_urns.primitives.PAR_DO.urn and len(step.outputs) == 2
    ]
    assert len(set(part.outputs.values())) == 2
