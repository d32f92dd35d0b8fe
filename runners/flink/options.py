"""Settings as the options of a Beam job on Flink, and as the configuration of the Flink that we start ourselves."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from pipeline.config.settings import Settings
from pipeline.errors import UserError
from runners.kafka_graph import NATIVE
from runners.state_folder import StateFolder

LOCAL = "[local]"
REFUSED = {"load_balance_bundles": "the live state of a key stays with one worker, and it moves bundles between them"}
RETAINED = 2
MAX_BUNDLE_SIZE = 10_000
UNLIMITED = 2**31 - 1
ROCKSDB = "rocksdb"


def beam_options(
    settings: Settings,
    *,
    job_endpoint: str,
    worker: str,
    restore: str = "",
    extra: Sequence[str] = (),
    has_parallelism: bool = True,
) -> list[str]:
    """The job's command line.

    `worker` is the program that Flink starts once per Python worker, `restore` the savepoint to resume from on a
    cluster, `extra` are Beam flags of the user and win over ours. Without `has_parallelism` the job has that of Flink's
    `parallelism.default` where it starts. Raises `UserError` for a flag that would break the state.
    """
    for flag in extra:
        name = flag.lstrip("-").partition("=")[0].replace("-", "_")
        if name in REFUSED:
            raise UserError(f"The Beam flag --{name} cannot be used: {REFUSED[name]}.", "Leave it out.")
    return [
        "--runner=PortableRunner",
        f"--job_endpoint={job_endpoint}",
        f"--job_name={settings.application_id}",
        "--streaming",
        "--environment_type=PROCESS",
        f"--environment_config={json.dumps({'command': worker})}",
        f"--sdk_worker_parallelism={settings.workers}",
        f"--max_cache_memory_usage_mb={max(1, settings.state_cache_mb // settings.workers)}",
        *([f"--parallelism={settings.flink_parallelism}"] if has_parallelism else []),
        *_of_kafka_io(settings),
        f"--max_bundle_time_mills={settings.bundle_ms}",
        # A bundle ends by time: what comes within it is packed together, the more the better.
        f"--max_bundle_size={MAX_BUNDLE_SIZE}",
        f"--checkpointing_interval={settings.checkpoint_interval_ms}",
        "--externalized_checkpoints_enabled",
        "--retain_externalized_checkpoints_on_cancellation",
        # Without it, timers fired before earlier records of their key during catch-up.
        "--finish_bundle_before_checkpointing",
        *([f"--savepoint_path={restore}", "--allow_non_restored_state"] if restore else []),
        *extra,
    ]


def _of_kafka_io(settings: Settings) -> list[str]:
    """Our readers are spread by the key groups of this very maximum.

    Told of a maximum, Beam's Java read makes a reader per partition, and those of one instance wait for each other
    (docs/adr/0010-one-reader-per-instance.md).
    """
    if settings.kafka_io == NATIVE:
        return [f"--max_parallelism={settings.flink_max_parallelism}"]
    return ["--experiments=use_deprecated_read"]


def job_configuration(settings: Settings, *, job_id: str) -> dict[str, str]:
    """What a job brings along in Flink's own names, on a cluster too; `job_id` is 32 hex digits."""
    buffer_timeout = f"{settings.network_buffer_timeout_ms}ms"
    return {
        "$internal.pipeline.job-id": job_id,
        # Old and new name of one option: Flink 1.19 reads the first, later ones the second.
        "execution.buffer-timeout": buffer_timeout,
        "execution.buffer-timeout.interval": buffer_timeout,
        "state.backend.type": settings.flink_state_backend,
        # RocksDB: a checkpoint costs what has changed, not what there is. Its files lie in `io.tmp.dirs`.
        "state.backend.incremental": "true",
        "state.checkpoints.num-retained": str(RETAINED),
        "execution.checkpointing.externalized-checkpoint-retention": "RETAIN_ON_CANCELLATION",
    }


def cluster_configuration(settings: Settings, *, job_id: str) -> dict[str, str]:
    """The configuration of one job on a cluster elsewhere; what is not in it, that cluster decides."""
    places = {
        "state.checkpoints.dir": settings.flink_checkpoints_dir,
        "state.savepoints.dir": settings.flink_savepoints_dir,
    }
    return {
        **job_configuration(settings, job_id=job_id),
        **{name: place for name, place in places.items() if place},
        # Nobody sits beside it: whatever is away for a while, storage or brokers, it goes on once that is back.
        "execution.checkpointing.tolerable-failed-checkpoints": str(UNLIMITED),
        "restart-strategy.type": "exponential-delay",
        "restart-strategy.exponential-delay.initial-backoff": "1 s",
        "restart-strategy.exponential-delay.max-backoff": "1 min",
        "restart-strategy.exponential-delay.reset-backoff-threshold": "10 min",
    }


def embedded_configuration(
    settings: Settings, *, rest_port: int, job_id: str, folder: StateFolder, restore: Path | None
) -> dict[str, str]:
    """The Flink configuration of one job on the embedded runner.

    `folder` keeps its checkpoints and savepoints, `restore` is the one to resume from, `job_id` is 32 hex digits.
    The restore goes here because on `[local]` Beam does not read its own options for it.
    """
    configuration = {
        **job_configuration(settings, job_id=job_id),
        "io.tmp.dirs": str(folder.scratch),
        "web.tmpdir": str(folder.scratch),
        "rest.address": "localhost",
        "rest.bind-address": "127.0.0.1",
        "rest.port": str(rest_port),
        "rest.bind-port": str(rest_port),
        "jobmanager.bind-host": "127.0.0.1",
        "taskmanager.bind-host": "127.0.0.1",
        "taskmanager.host": "localhost",
        "taskmanager.memory.managed.size": f"{managed_memory_mb(settings)}m",
        "state.checkpoints.dir": flink_uri(folder.checkpoints),
        "state.savepoints.dir": flink_uri(folder.savepoints),
        "execution.checkpointing.tolerable-failed-checkpoints": "3",
        # A dead worker is only replaced once no task holds it, not even one that has nothing to do with the failure.
        "jobmanager.execution.failover-strategy": "full",
        # A worker that dies comes back; a fault that returns each time ends the job within a minute or two.
        "restart-strategy.type": "failure-rate",
        "restart-strategy.failure-rate.max-failures-per-interval": "5",
        "restart-strategy.failure-rate.failure-rate-interval": "5 min",
        "restart-strategy.failure-rate.delay": "2 s",
    }
    if restore:
        configuration["execution.savepoint.path"] = flink_uri(restore)
        # A step that settings or a release take away leaves its state behind.
        configuration["execution.savepoint.ignore-unclaimed-state"] = "true"
    return configuration


def heap_mb(settings: Settings) -> int:
    """The largest heap of the embedded Flink, in MB."""
    return settings.flink_memory_mb - managed_memory_mb(settings)


def managed_memory_mb(settings: Settings) -> int:
    """What RocksDB gets for its caches and write buffers, outside the heap, in MB."""
    return settings.flink_memory_mb // 4 if settings.flink_state_backend == ROCKSDB else 0


def flink_uri(path: Path) -> str:
    """A local path as Flink wants it: a URI, but with spaces and the like as they are."""
    return f"file://{path}"


def write_configuration(folder: Path, configuration: Mapping[str, str]) -> None:
    """Flink's `config.yaml` in `folder` (JSON strings are YAML)."""
    folder.mkdir(parents=True, exist_ok=True)
    lines = [f"{json.dumps(key)}: {json.dumps(value)}\n" for key, value in configuration.items()]
    (folder / "config.yaml").write_text("".join(lines), encoding="utf-8")


def read_configuration(folder: Path) -> dict[str, str]:
    """What `write_configuration` wrote to `folder` last; empty before that."""
    try:
        lines = (folder / "config.yaml").read_text(encoding="utf-8").splitlines()
        return {name: value for line in lines for name, value in json.loads(f"{{{line}}}").items()}
    except (FileNotFoundError, ValueError):
        return {}
