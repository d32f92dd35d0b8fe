"""Application mode on a real cluster: the job as a jar, stopped with a savepoint, and resumed from it by another."""

import shlex
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.cluster.cluster import Cluster
from tests.integration.aggregations import settings, tracing_aggregator
from tests.integration.flink_processes import wait_until
from tests.integration.test_flink_cluster import feed, output, wait_for

pytestmark = pytest.mark.integration


@contextmanager
def application(folder: Path, arguments: list[str], jar: Path, given: dict[str, str]) -> Iterator[Cluster]:
    """A cluster that runs this one job; `given` gets its address."""
    command = ("standalone-job.sh", "start-foreground", *arguments)
    with Cluster(folder, command=command, jars=[jar]) as cluster:
        given |= {"flink.master": cluster.rest.address}
        job = arguments[arguments.index("--job-id") + 1]
        wait_until(lambda: cluster.rest.is_processing(job), 240, cluster.job_manager.tail)
        yield cluster


def test_a_job_in_a_jar_goes_on_from_its_savepoint(shared_broker, tmp_path):
    given = settings(shared_broker.bootstrap_servers, "in-a-jar", tmp_path, tracing_topic="in-a-jar")
    worker = Cluster(tmp_path / "unused").settings()["flink.worker.command"]
    given |= {"retention.ms": "3600000", "flink.worker.command": worker}
    tracing_aggregator("topics", "--partitions=2", given=given)
    jar = tmp_path / "job.jar"
    arguments = shlex.split(output("flink-jar", str(jar), given=given))

    with application(tmp_path / "first", arguments, jar, given) as cluster:
        kept = cluster.rest.get(f"/jobs/{arguments[3]}/checkpoints/config")
        assert kept["state_backend"] == "EmbeddedRocksDBStateBackend"
        feed(given, "SEND")
        wait_for(given, cluster, ("SEND",))
        savepoint = output("stop", given=given)

    resumed = [*arguments, "--fromSavepoint", savepoint, "--allowNonRestoredState"]
    with application(tmp_path / "second", resumed, jar, given) as cluster:
        for kind in ("ACK", "CONSUME"):
            feed(given, kind)
        found = wait_for(given, cluster, ("SEND", "ACK", "CONSUME"))
    assert all("durationMs" in value for kind in ("ACK", "CONSUME") for value in found.of(kind))
    assert all("offset" in value for value in found.of("SEND"))
