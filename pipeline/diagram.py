"""The graph as a Mermaid diagram, drawn from the pipeline that `build` makes."""

import apache_beam as beam
from apache_beam.pipeline import AppliedPTransform, PipelineVisitor

from pipeline.config.settings import Settings
from pipeline.graph import Sinks, build
from pipeline.sources import Read

#: Steps that only say types or merge; arrows lead past them.
_PASSED_OVER = ("Merge", "Type", "Format", "No")


class _Topics:
    """A source that stands for the topics."""

    bounded = False

    def read(self, pipeline: beam.Pipeline) -> Read:
        tracing = pipeline | "ReadTracing" >> beam.Create([])
        headers = pipeline | "ReadHeaders" >> beam.Create([])
        return Read(tracing, headers, None, None)


class _Steps(PipelineVisitor):
    """Collects the top-level steps and which output of which step they take."""

    def __init__(self) -> None:
        self.edges: dict[tuple[str, str], None] = {}
        self._makers: dict[beam.pvalue.PValue, list[str]] = {}

    def visit_transform(self, transform_node: AppliedPTransform) -> None:
        step = transform_node.full_label.split("/")[0]
        sources = [maker for taken in transform_node.inputs for maker in self._makers.get(taken, ())]
        if step.startswith(_PASSED_OVER):
            made = list(dict.fromkeys(sources))
        else:
            self.edges |= {(maker, step): None for maker in sources if maker != step}
            made = [step]
        for output in transform_node.outputs.values():
            self._makers[output] = made


def mermaid() -> str:
    """The diagram: steps as boxes, topics as cylinders."""
    settings = Settings(trace_pathways=True)
    pipeline = beam.Pipeline()
    build(pipeline, _Topics(), Sinks(*(beam.Map(str) for _ in settings.output_topics())), settings)
    steps = _Steps()
    pipeline.visit(steps)
    topics = {
        "ReadTracing": settings.tracing_topic,
        "ReadHeaders": "business topics (trace.topics)",
        "WriteTraces": settings.aggregated_topic,
        "WriteFindings": settings.anomaly_topic,
        "WriteDeadLetters": settings.dead_letter_topic,
        "WriteStats": settings.stats_topic,
        "WritePathways": f"{settings.pathway_topic} (trace.pathways)",
    }
    lines = ["flowchart LR"]
    lines += [f'  {step}[("{topic}")]' for step, topic in topics.items()]
    lines += [f"  {source} --> {target}" for source, target in steps.edges]
    return "\n".join(lines)
