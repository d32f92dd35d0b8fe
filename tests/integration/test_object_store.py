"""State in an object store: a job goes on from there after kills, and after its cluster is gone for good."""

import json
import os
from pathlib import Path

import pytest

from tests.cluster.cluster import Cluster
from tests.cluster.object_store import BUCKET, SECRET, ObjectStore
from tests.integration.aggregations import replayed, settings, tracing_aggregator
from tests.integration.flink_processes import wait_until
from tests.integration.garbage import good
from tests.integration.test_flink_cluster import KINDS, MESSAGES, feed, output, wait_for

pytestmark = [pytest.mark.integration, pytest.mark.flink]


def on_s3(folder: Path, store: ObjectStore) -> Cluster:
    """Its TaskManagers keep RocksDB's files in a folder of their own."""
    local = {"state.backend.rocksdb.localdir": str(folder / "rocksdb")}
    return Cluster(folder, more=local, store=store)


def files_below(folder: Path) -> list[Path]:
    """Files that RocksDB removes meanwhile do not matter."""
    found = [Path(place, name) for place, _, names in os.walk(folder) for name in names]
    return [file for file in found if file.is_file() and not file.is_symlink()]


def test_a_job_goes_on_from_checkpoints_in_an_object_store_when_all_of_flink_is_gone(
    shared_broker, tmp_path, monkeypatch
):
    given = settings(shared_broker.bootstrap_servers, "in-s3", tmp_path, tracing_topic="in-s3")
    given |= {"retention.ms": "3600000", "checkpoint.interval.ms": "1000", "flink.parallelism": "2"}
    given |= {
        "flink.checkpoints.dir": f"s3://{BUCKET}/checkpoints",
        "flink.savepoints.dir": f"s3://{BUCKET}/savepoints",
    }
    tracing_aggregator("topics", "--partitions=2", given=given)
    with ObjectStore(tmp_path / "store.log") as store:
        for name, value in store.environ.items():
            monkeypatch.setenv(name, value)

        with on_s3(tmp_path / "first", store) as cluster:
            given |= cluster.settings()
            job = output("run", "--runner=flink", given=given)
            feed(given, "SEND")
            wait_for(given, cluster, KINDS[:1])
            assert files_below(tmp_path / "first" / "rocksdb")

            cluster.task_managers[-1].kill()
            cluster.start_task_manager()
            feed(given, "ACK")
            wait_for(given, cluster, KINDS[:2])
            known = cluster.rest.newest_checkpoint(job)
            wait_until(lambda: cluster.rest.newest_checkpoint(job) > known, 60, cluster.job_manager.tail)
            assert cluster.rest.newest_checkpoint_path(job).startswith(f"s3://{BUCKET}/checkpoints/{job}/chk-")
            shown = [cluster.rest.get(path) for path in ("/jobmanager/config", f"/jobs/{job}/config", f"/jobs/{job}")]
            assert SECRET not in json.dumps(shown)
            for process in (cluster.job_manager, *cluster.task_managers):
                process.kill()

        with on_s3(tmp_path / "second", store) as cluster:
            given |= cluster.settings()
            for kind in KINDS[2:]:
                feed(given, kind)
            again = output("run", "--runner=flink", given=given)
            restored = cluster.rest.get(f"/jobs/{again}/checkpoints")["latest"]["restored"]["external_path"]
            assert restored.startswith(f"s3://{BUCKET}/checkpoints/{job}/chk-")
            found = wait_for(given, cluster, KINDS)
            assert output("stop", given=given).startswith(f"s3://{BUCKET}/savepoints/savepoint-")

        assert not [key for key, content in store.objects().items() if SECRET.encode() in content]
    assert not [file for file in files_below(tmp_path) if SECRET.encode() in file.read_bytes()]

    alone = tmp_path / "good.jsonl"
    alone.write_text("".join(json.dumps({"payload": value.decode()}) + "\n" for _, value in good(MESSAGES)))
    assert found.traces == replayed(settings("unused:9092", "alone", tmp_path), tmp_path, alone).traces
