"""State that is found again: Beam's runner for Flink, with ids that do not depend on running numbers.

Flink finds the state of an operator by its name, and Beam makes that of a stage out of the id of the PCollection that
it reads; a saved timer carries the id of its transform. In Python these ids are running numbers: one step more
anywhere, by a setting or in a new release, and the state of a step would be left behind, given to another, or its
timers would find nobody ("No receiver found for timer"). So ids are made of what is part of the contract anyway, the
labels of steps (FusedPipeline and TimerReceiverFactory in Beam's Java SDK; docs/adr/0009-state-is-found-by-labels.md).
"""

from collections.abc import Mapping
from hashlib import sha256

from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.portability import common_urns
from apache_beam.portability.api import beam_runner_api_pb2
from apache_beam.runners.portability.portable_runner import PortableRunner
from apache_beam.runners.runner import PipelineResult


class StableNamesRunner(PortableRunner):
    """PortableRunner, but for the ids."""

    def run_portable_pipeline(self, pipeline: beam_runner_api_pb2.Pipeline, options: PipelineOptions) -> PipelineResult:
        """Submits the pipeline under stable names."""
        return super().run_portable_pipeline(named_by_label(pipeline), options)


def named_by_label(pipeline: beam_runner_api_pb2.Pipeline) -> beam_runner_api_pb2.Pipeline:
    """The same pipeline under other ids.

    A transform is called by its full label, a PCollection by the label of the step that makes it and the name of the
    output, a coder by what it is made of.
    """
    renamed = beam_runner_api_pb2.Pipeline()
    renamed.CopyFrom(pipeline)
    _rename_collections(renamed, _collection_names(pipeline))
    _rename_transforms(renamed, {old: step.unique_name or old for old, step in pipeline.components.transforms.items()})
    _rename_coders(renamed, _coder_names(pipeline.components.coders))
    return renamed


def _collection_names(pipeline: beam_runner_api_pb2.Pipeline) -> dict[str, str]:
    names: dict[str, str] = {}
    for step in pipeline.components.transforms.values():
        if not step.subtransforms:
            read = set(step.inputs.values())
            made = {place: tag for tag, place in step.outputs.items() if place not in read}
            names |= {place: f"{step.unique_name}.{tag}" for place, tag in made.items()}
    return names


def _rename_collections(pipeline: beam_runner_api_pb2.Pipeline, names: Mapping[str, str]) -> None:
    for step in pipeline.components.transforms.values():
        for connections in (step.inputs, step.outputs):
            for tag, place in dict(connections).items():
                connections[tag] = names.get(place, place)
    _rename_keys(pipeline.components.pcollections, names)


def _rename_transforms(pipeline: beam_runner_api_pb2.Pipeline, names: Mapping[str, str]) -> None:
    for step in pipeline.components.transforms.values():
        _replace(step.subtransforms, names)
    _replace(pipeline.root_transform_ids, names)
    _rename_keys(pipeline.components.transforms, names)


def _coder_names(coders: Mapping[str, beam_runner_api_pb2.Coder]) -> dict[str, str]:
    """Coders that are equal become one."""

    def name(old: str) -> str:
        coder = coders[old]
        described = f"{coder.spec.urn}({','.join(map(name, coder.component_coder_ids))})"
        return f"{described}#{sha256(coder.spec.payload).hexdigest()[:8]}" if coder.spec.payload else described

    return {old: name(old) for old in coders}


def _rename_coders(pipeline: beam_runner_api_pb2.Pipeline, names: Mapping[str, str]) -> None:
    components = pipeline.components
    for coder in components.coders.values():
        _replace(coder.component_coder_ids, names)
    for collection in components.pcollections.values():
        collection.coder_id = names.get(collection.coder_id, collection.coder_id)
    for strategy in components.windowing_strategies.values():
        strategy.window_coder_id = names.get(strategy.window_coder_id, strategy.window_coder_id)
    for step in components.transforms.values():
        if step.spec.urn == common_urns.primitives.PAR_DO.urn:
            step.spec.payload = _with_coders(step.spec.payload, names)
    _rename_keys(components.coders, names)


def _with_coders(payload: bytes, names: Mapping[str, str]) -> bytes:
    par_do = beam_runner_api_pb2.ParDoPayload.FromString(payload)
    for state in par_do.state_specs.values():
        for kind, field in (
            ("read_modify_write_spec", "coder_id"),
            ("bag_spec", "element_coder_id"),
            ("set_spec", "element_coder_id"),
            ("combining_spec", "accumulator_coder_id"),
        ):
            if state.WhichOneof("spec") == kind:
                spec = getattr(state, kind)
                setattr(spec, field, names.get(getattr(spec, field), getattr(spec, field)))
    for timer in par_do.timer_family_specs.values():
        timer.timer_family_coder_id = names.get(timer.timer_family_coder_id, timer.timer_family_coder_id)
    if par_do.restriction_coder_id:
        par_do.restriction_coder_id = names.get(par_do.restriction_coder_id, par_do.restriction_coder_id)
    return bytes(par_do.SerializeToString(deterministic=True))


def _replace(ids: "list[str]", names: Mapping[str, str]) -> None:
    """In a repeated field."""
    replaced = [names.get(each, each) for each in ids]
    del ids[:]
    ids.extend(replaced)


def _rename_keys(components: "dict[str, object]", names: Mapping[str, str]) -> None:
    """In a map of messages."""
    for old, new in names.items():
        if old != new and old in components:
            components[new].CopyFrom(components[old])  # type: ignore[attr-defined]
            del components[old]
