"""State that is found again: Beam's runner for Flink, with names of PCollections that do not depend on their number.

Flink finds the state of an operator by its name, and Beam makes that of a stage out of the id of the PCollection that
it reads: in Python a running number. One step more anywhere before it, by a setting or in a new release, and the state
of a step would be left behind, or given to another. So ids are made of what is part of the contract anyway, the labels
of steps (FusedPipeline and SyntheticComponents in Beam's Java SDK; docs/adr/0009-state-is-found-by-labels.md).
"""

from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.portability.api import beam_runner_api_pb2
from apache_beam.runners.portability.portable_runner import PortableRunner
from apache_beam.runners.runner import PipelineResult


class StableNamesRunner(PortableRunner):
    """PortableRunner, but for the ids of PCollections."""

    def run_portable_pipeline(self, pipeline: beam_runner_api_pb2.Pipeline, options: PipelineOptions) -> PipelineResult:
        """Submits the pipeline under stable names."""
        return super().run_portable_pipeline(named_by_producer(pipeline), options)


def named_by_producer(pipeline: beam_runner_api_pb2.Pipeline) -> beam_runner_api_pb2.Pipeline:
    """The same pipeline; the id of each PCollection is the label of the step that makes it, and the output's name."""
    names: dict[str, str] = {}
    for transform in pipeline.components.transforms.values():
        if not transform.subtransforms:
            read = set(transform.inputs.values())
            made = {place: tag for tag, place in transform.outputs.items() if place not in read}
            names |= {place: f"{transform.unique_name}.{tag}" for place, tag in made.items()}
    renamed = beam_runner_api_pb2.Pipeline()
    renamed.CopyFrom(pipeline)
    for transform in renamed.components.transforms.values():
        for connections in (transform.inputs, transform.outputs):
            for tag, place in dict(connections).items():
                connections[tag] = names.get(place, place)
    collections = renamed.components.pcollections
    for place, name in names.items():
        collections[name].CopyFrom(pipeline.components.pcollections[place])
        del collections[place]
    return renamed
