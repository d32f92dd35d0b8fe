"""The `flink` runner: Flink in a JVM of ours, or a cluster."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from pipeline import graph
from pipeline.config import Config
from pipeline.kafka_sinks import WriteTopic
from pipeline.kafka_sources import KafkaSource
from runners import embedded, flink_cluster
from runners.compaction import with_compacted_topics
from runners.flink_options import LOCAL
from runners.job_server import Build
from runners.reads import Reads, admin_client
from runners.sealed import clear_secrets, sealed

if TYPE_CHECKING:
    from apache_beam import Pipeline

OPEN_PORTS = (
    "Warning: Beam's services listen on every address of this machine, without a password (docs/security.md): "
    "let a firewall keep others out."
)


def run(
    config: Config,
    tell: Callable[[str], None],
    beam_flags: Sequence[str] = (),
    build: Build | None = None,
    from_savepoint: str = "",
) -> int:
    """Runs the pipeline (or what `build` builds) and returns the exit code. On a cluster it only submits.

    It resumes from `from_savepoint`, a path or URI, else from what the last run left.
    """
    tell(OPEN_PORTS)
    if config.settings.flink_master == LOCAL:
        start, config = embedded.run, sealed(config)
    else:
        start = flink_cluster.submit
        _tell_of_secrets(config, tell)
    return start(config, build or kafka_graph(config, tell), tell, beam_flags, from_savepoint)


def _tell_of_secrets(config: Config, tell: Callable[[str], None]) -> None:
    """The Kafka clients of a cluster do not see our environment: what is given in clear goes there with the job."""
    if secrets := clear_secrets(config):
        tell(
            f"Warning: {', '.join(secrets)} will lie in the job's graph and its savepoints as given. Refer to a file "
            "instead, there on this machine and on the cluster's: ${file:/path/to/file:key} (docs/security.md)."
        )


def kafka_graph(config: Config, tell: Callable[[str], None], *, commit_offsets: bool = True) -> Build:
    """The graph from Kafka to Kafka; offsets are committed with the checkpoints, if the runner has any.

    Each time that it is built the brokers are asked which topics are compacted; `tell` hears if they do not say.
    """
    producer = config.producer_properties()

    def build(pipeline: "Pipeline", reads: Reads, expansion_service: str) -> None:
        settings = with_compacted_topics(admin_client(config), config.settings, tell)
        sinks = graph.Sinks(*(WriteTopic(name, producer, expansion_service) for name in settings.output_topics()))
        source = KafkaSource(reads.tracing, reads.headers, expansion_service, commit_offsets=commit_offsets)
        graph.build(pipeline, source, sinks, settings)

    return build
