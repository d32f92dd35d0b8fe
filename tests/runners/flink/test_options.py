import json
from pathlib import Path

import pytest
from apache_beam.options.pipeline_options import PipelineOptions, PortableOptions, WorkerOptions

from pipeline.config.settings import Settings
from pipeline.errors import UserError
from runners.flink.options import (
    beam_options,
    cluster_configuration,
    embedded_configuration,
    heap_mb,
    write_configuration,
)
from runners.state_folder import StateFolder

FOLDER = StateFolder(Path("/var/lib/state of ours/app"))


def options(settings: Settings | None = None, **changes) -> list[str]:
    return beam_options(settings or Settings(), **{"job_endpoint": "localhost:1", "worker": "/w", **changes})


def configuration(settings: Settings | None = None, restore: Path | None = None) -> dict[str, str]:
    return embedded_configuration(
        settings or Settings(), rest_port=8081, job_id="ab" * 16, folder=FOLDER, restore=restore
    )


def test_beam_understands_the_options_that_it_reads_itself():
    parsed = PipelineOptions(options(Settings(workers=3, state_cache_mb=900)))
    assert int(parsed.view_as(PortableOptions).sdk_worker_parallelism) == 3
    assert parsed.view_as(PortableOptions).environment_type == "PROCESS"
    assert json.loads(parsed.view_as(PortableOptions).environment_config) == {"command": "/w"}
    assert parsed.view_as(WorkerOptions).max_cache_memory_usage_mb == 300


def test_settings_reach_flink_as_flags():
    flags = options(Settings(flink_parallelism=4, flink_max_parallelism=64, bundle_ms=20, checkpoint_interval_ms=7000))
    expected = {
        "--parallelism=4",
        "--max_parallelism=64",
        "--max_bundle_time_mills=20",
        "--checkpointing_interval=7000",
        "--finish_bundle_before_checkpointing",
        "--streaming",
    }
    assert expected <= set(flags)


def test_the_java_read_is_told_of_no_maximum_which_would_give_each_partition_a_reader():
    flags = options(Settings(kafka_io="java"))
    assert "--experiments=use_deprecated_read" in flags
    assert not any(flag.startswith("--max_parallelism") for flag in flags)


def test_flags_of_the_user_come_last_and_so_win():
    assert options(extra=["--parallelism=9"])[-1] == "--parallelism=9"


@pytest.mark.parametrize("flag", ["--load_balance_bundles", "--load_balance_bundles=true", "--load-balance-bundles"])
def test_a_flag_that_would_break_the_state_is_refused(flag):
    with pytest.raises(UserError, match="load_balance_bundles cannot be used"):
        options(extra=[flag])


def test_only_a_cluster_is_told_of_the_savepoint_by_flags():
    assert not any("savepoint" in flag for flag in options())
    assert {"--savepoint_path=s3://b/sp", "--allow_non_restored_state"} <= set(options(restore="s3://b/sp"))


def test_checkpoints_are_kept_below_the_state_folder_and_survive_the_job():
    written = configuration()
    assert written["state.checkpoints.dir"] == "file:///var/lib/state of ours/app/checkpoints"
    assert written["execution.checkpointing.externalized-checkpoint-retention"] == "RETAIN_ON_CANCELLATION"


def test_rocksdb_takes_a_quarter_of_the_memory_from_the_heap_and_checkpoints_only_what_changed():
    settings = Settings(flink_state_backend="rocksdb", flink_memory_mb=1000)
    written = configuration(settings)
    assert written["state.backend.type"] == "rocksdb"
    assert written["state.backend.incremental"] == "true"
    assert written["taskmanager.memory.managed.size"] == "250m"
    assert heap_mb(settings) == 750


def test_without_rocksdb_all_memory_is_heap():
    settings = Settings(flink_state_backend="hashmap", flink_memory_mb=1000)
    assert configuration(settings)["state.backend.type"] == "hashmap"
    assert configuration(settings)["taskmanager.memory.managed.size"] == "0m"
    assert heap_mb(settings) == 1000


def test_a_job_on_a_cluster_brings_its_backend_and_outlives_what_is_away_for_a_while():
    written = cluster_configuration(Settings(), job_id="ab" * 16)
    assert written["state.backend.type"] == "rocksdb"
    assert written["execution.checkpointing.tolerable-failed-checkpoints"] == "2147483647"
    assert written["restart-strategy.type"] == "exponential-delay"
    assert not any(name.startswith(("rest.", "taskmanager.", "io.tmp")) for name in written)


def test_a_cluster_keeps_state_where_it_is_told_else_where_it_always_does():
    assert "state.checkpoints.dir" not in cluster_configuration(Settings(), job_id="ab" * 16)
    written = cluster_configuration(
        Settings(flink_checkpoints_dir="s3://b/c", flink_savepoints_dir="s3://b/s"), job_id="ab" * 16
    )
    assert (written["state.checkpoints.dir"], written["state.savepoints.dir"]) == ("s3://b/c", "s3://b/s")


def test_rocksdb_keeps_its_files_where_the_next_start_cleans_up():
    assert configuration()["io.tmp.dirs"] == str(FOLDER.scratch)


def test_both_names_of_the_buffer_timeout_are_set():
    written = configuration(Settings(network_buffer_timeout_ms=9))
    assert written["execution.buffer-timeout"] == written["execution.buffer-timeout.interval"] == "9ms"


def test_all_tasks_restart_together_so_that_a_dead_worker_is_replaced():
    assert configuration()["jobmanager.execution.failover-strategy"] == "full"


def test_the_rest_interface_is_for_this_machine_only():
    assert configuration()["rest.bind-address"] == "127.0.0.1"


def test_a_restore_leaves_the_state_of_renamed_reads_behind():
    written = configuration(restore=Path("/s/chk-7"))
    assert written["execution.savepoint.path"] == "file:///s/chk-7"
    assert written["execution.savepoint.ignore-unclaimed-state"] == "true"
    assert "execution.savepoint.path" not in configuration()


def test_the_configuration_is_written_as_yaml_strings(tmp_path):
    write_configuration(tmp_path / "flink", {"a.b": 'quote " and space'})
    assert (tmp_path / "flink" / "config.yaml").read_text() == '"a.b": "quote \\" and space"\n'
