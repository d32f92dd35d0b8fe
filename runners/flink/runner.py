"""The `flink` runner: Flink in a JVM of ours, or a cluster."""

from collections.abc import Callable, Sequence

from pipeline.config.load import Config
from runners.flink import cluster, embedded
from runners.flink.options import LOCAL
from runners.kafka_graph import Build, kafka_graph
from runners.secrets_in_env import clear_secrets, sealed


def run(
    config: Config,
    tell: Callable[[str], None],
    beam_flags: Sequence[str] = (),
    build: Build | None = None,
    from_savepoint: str = "",
    *,
    may_start_anew: bool = False,
) -> int:
    """Runs the pipeline (or what `build` builds) and returns the exit code. On a cluster it only submits.

    It resumes from `from_savepoint`, a path or URI, else from what the last run left. Where state was lost it starts
    without any only if it may.
    """
    if config.settings.flink_master == LOCAL:
        start, config = embedded.run, sealed(config)
    else:
        start = cluster.submit
        tell_of_secrets(config, tell)
    graph = build or kafka_graph(config, tell)
    return start(config, graph, tell, beam_flags, from_savepoint, may_start_anew=may_start_anew)


def tell_of_secrets(config: Config, tell: Callable[[str], None]) -> None:
    """Warn of secrets that go to a cluster with the job: the Kafka clients there do not see our environment."""
    if secrets := clear_secrets(config):
        tell(
            f"Warning: {', '.join(secrets)} will lie in the job's graph and its savepoints as given. Refer to a file "
            "instead, there on this machine and on the cluster's: ${file:/path/to/file:key} (docs/security.md)."
        )
