"""Application mode on a real cluster: the job as a jar, over Flink's own stop, by its command and by REST."""

import shlex
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from runners.java.find_java import find_java
from tests.cluster.cluster import Cluster
from tests.integration.aggregations import FINDINGS, LETTERS, TRACES, in_kafka
from tests.integration.flink_processes import records, wait_until
from tests.integration.open_messages import SAVING, after, before, completed, create_topics, produce, settings
from tests.integration.test_flink_cluster import output
from tests.integration.test_restores import (
    IN_THE_END,
    SKIPPED_FINDING,
    UNACKED_FINDING,
    same_as_without_interruption,
    told,
)

pytestmark = [pytest.mark.integration, pytest.mark.flink]


@contextmanager
def application(folder: Path, jar: Path, arguments: list[str], task_managers: int = 1) -> Iterator[Cluster]:
    """A cluster that runs this one job, laid out as the image for Flink is: a link in `lib` leads to the job."""
    command = ("standalone-job.sh", "start-foreground", *arguments)
    cluster = Cluster(folder, command=command, task_managers=task_managers)
    (cluster.home / "usrlib").mkdir()
    (cluster.home / "usrlib" / "job.jar").symlink_to(jar)
    (cluster.home / "lib" / "job.jar").symlink_to("../usrlib/job.jar")
    with cluster:
        job = job_of(arguments)
        wait_until(lambda: ended(cluster) or cluster.rest.is_processing(job), 120, cluster.job_manager.tail)
        assert not ended(cluster), cluster.job_manager.tail()
        yield cluster


def job_of(arguments: list[str]) -> str:
    return arguments[arguments.index("--job-id") + 1]


def written(given: dict[str, str]) -> list[Any]:
    """Every trace, finding and dead letter that has left, each time that it left."""
    topics = [given[name] for name in (TRACES, FINDINGS, LETTERS)]
    return [(topic, one.key(), one.value()) for topic in topics for one in records(given["bootstrap.servers"], topic)]


def wait_for_checkpoint(cluster: Cluster, job: str) -> None:
    wait_until(lambda: cluster.rest.newest_checkpoint(job) > 0, 120, cluster.job_manager.tail)


def stopped_by_command(cluster: Cluster, job: str, savepoints: Path) -> str:
    """`flink stop`, as a person or a script types it."""
    script = ["/bin/bash", str(cluster.home / "bin" / "flink"), "stop", "-m", cluster.rest.address]
    script += ["--savepointPath", f"file://{savepoints}", job]
    java = {"JAVA_HOME": str(find_java().resolve().parent.parent), "PATH": "/usr/bin:/bin"}
    ended = subprocess.run(script, capture_output=True, text=True, timeout=240, check=False, env=java)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return ended.stdout.split("Path: ")[1].split()[0]


def stopped_by_rest(cluster: Cluster, job: str, savepoints: Path) -> str:
    """As Flink's operator for Kubernetes asks for it."""
    return cluster.rest.stop_with_savepoint(job, f"file://{savepoints}", 240)


def ended(cluster: Cluster) -> bool:
    return not cluster.job_manager.is_alive


def test_nothing_ends_early_and_nothing_is_lost_over_flinks_own_stop(shared_broker, tmp_path):
    given = settings(shared_broker.bootstrap_servers, "stopped", tmp_path, {**SAVING, "flink.parallelism": "2"})
    given |= {"flink.worker.command": Cluster(tmp_path / "unused").settings()["flink.worker.command"]}
    given |= {"checkpoint.interval.ms": "1000"}
    create_topics(shared_broker.bootstrap_servers, given)
    jar, another = tmp_path / "job.jar", tmp_path / "another.jar"
    arguments = shlex.split(output("flink-jar", str(jar), given=given))
    job = job_of(arguments)

    with application(tmp_path / "first", jar, arguments) as cluster:
        kept = cluster.rest.get(f"/jobs/{job}/checkpoints/config")
        assert kept["state_backend"] == "EmbeddedRocksDBStateBackend"
        produce(given["bootstrap.servers"], given["tracing.topic"], before())
        wait_until(lambda: told(given), 120, cluster.task_managers[0].tail)
        wait_for_checkpoint(cluster, job)
        until_then = written(given)
        savepoint = stopped_by_command(cluster, job, tmp_path / "savepoints")
        wait_until(lambda: ended(cluster), 60, cluster.job_manager.tail)
    assert written(given) == until_then

    resumed = [*arguments, "--fromSavepoint", savepoint, "-Dparallelism.default=4"]
    with application(tmp_path / "second", jar, resumed, task_managers=2) as cluster:
        assert {each["parallelism"] for each in cluster.rest.get(f"/jobs/{job}")["vertices"]} >= {4}
        wait_for_checkpoint(cluster, job)
        savepoint = stopped_by_rest(cluster, job, tmp_path / "savepoints")
        wait_until(lambda: ended(cluster), 60, cluster.job_manager.tail)
    assert written(given) == until_then

    produce(given["bootstrap.servers"], given["tracing.topic"], after())
    changed = given | IN_THE_END | {"flink.parallelism": "1"}
    arguments = shlex.split(output("flink-jar", str(another), given=changed))
    resumed = [*arguments, "--fromSavepoint", savepoint, "--allowNonRestoredState"]
    with application(tmp_path / "third", another, resumed) as cluster:
        wait_until(lambda: completed() <= in_kafka(given).traces.keys(), 120, cluster.task_managers[0].tail)
        wait_until(lambda: UNACKED_FINDING in in_kafka(given).findings, 60, cluster.task_managers[0].tail)
        wait_until(lambda: any(one["id"] == SKIPPED_FINDING and one.get("resolved") for one in told(given)), 60)
    same_as_without_interruption(in_kafka(given), tmp_path)
