"""The graph from Kafka to Kafka, by our own transforms or by Beam's."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.config.load import Config
from pipeline.config.settings import Settings
from runners.kafka.compacted_topics import with_compacted_topics
from runners.kafka.read_plan import admin_client, partitions

if TYPE_CHECKING:
    from apache_beam import Pipeline, PTransform

    from pipeline.sources import Source

Build = Callable[["Pipeline"], None]
"""Adds all steps to a pipeline."""

NATIVE = "native"


Between = Callable[["Pipeline", "Source", Callable[[str], "PTransform"], Settings], None]
"""Adds what lies between a source and the sinks, which it makes by the names of their topics."""


def kafka_graph(
    config: Config, tell: Callable[[str], None], *, commits_offsets: bool = True, between: Between | None = None
) -> Build:
    """What builds it. Offsets are committed with the checkpoints, if the runner has any.

    Each time that it is built the brokers are asked which topics are compacted; `tell` hears if they do not say.
    """
    add_steps = between or _aggregation

    def build(pipeline: "Pipeline") -> None:
        settings = with_compacted_topics(admin_client(config), config.settings, tell)
        if settings.kafka_io == NATIVE:
            from pipeline.io.read_from_kafka import KafkaStream
            from pipeline.io.write_to_kafka import WriteToKafka

            sink = partial(
                WriteToKafka, producer=config.producer_properties(), dead_letter_topic=settings.dead_letter_topic
            )
            add_steps(pipeline, KafkaStream(config, commits_offsets=commits_offsets), sink, settings)
        else:
            _with_java(pipeline, config, add_steps, settings, commits_offsets=commits_offsets)

    return build


def _aggregation(
    pipeline: "Pipeline", source: "Source", sink: Callable[[str], "PTransform"], settings: Settings
) -> None:
    from pipeline import graph

    graph.build(pipeline, source, graph.Sinks(*map(sink, settings.output_topics())), settings)


def _with_java(
    pipeline: "Pipeline", config: Config, add_steps: Between, settings: Settings, *, commits_offsets: bool
) -> None:
    from pipeline.io.java_kafka import JavaKafkaStream, JavaWriteToKafka
    from pipeline.io.list_partitions import has_append_time

    admin, tracing = admin_client(config), settings.tracing_topic
    with _expansion(settings) as address:
        source = JavaKafkaStream(
            config,
            [name for name in partitions(admin, settings) if name != tracing],
            address,
            has_append_time=has_append_time(admin, tracing),
            commits_offsets=commits_offsets,
        )
        sink = partial(JavaWriteToKafka, producer=config.producer_properties(), expansion_service=address)
        add_steps(pipeline, source, sink, settings)


@contextmanager
def _expansion(settings: Settings) -> Iterator[str]:
    from runners.java.expansion import expansion_service
    from runners.java.find_java import find_java
    from runners.java.jars import resolve
    from runners.state_folder import StateFolder

    jars = resolve("java-io", Path(settings.jars_cache).expanduser(), settings.jars_mirror)
    with expansion_service(find_java(settings.java_home), jars, StateFolder.of(settings).log("expansion")) as address:
        yield address
