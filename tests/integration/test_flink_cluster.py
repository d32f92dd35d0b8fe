"""A real standalone Flink cluster: a job submitted to it survives what befalls its processes, and a stop between."""

import json
import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from runners.flink.rest import Access
from tests.cluster.cluster import Cluster
from tests.integration.aggregations import Outcome, command, in_kafka, replayed, settings, tracing_aggregator
from tests.integration.flink_processes import ROOT, descendants, listening, wait_until
from tests.integration.garbage import good, write
from tests.tracing_aggregator.web.certificates import self_signed

pytestmark = [pytest.mark.integration, pytest.mark.flink]
MESSAGES = 60
KINDS = ("SEND", "ACK", "CONSUME", "COMMIT")


@pytest.fixture(scope="module")
def access(tmp_path_factory: pytest.TempPathFactory) -> Access:
    """TLS, and a certificate of ours, which is the server's own."""
    folder = tmp_path_factory.mktemp("tls")
    cert, key = self_signed(folder)
    both = folder / "both.pem"
    both.write_bytes(cert.read_bytes() + key.read_bytes())
    return Access(tls=True, ca_file=str(cert), cert_file=str(both))


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory, access: Access) -> Iterator[Cluster]:
    """Its REST interface asks for a certificate."""
    folder = tmp_path_factory.mktemp("cluster")
    with Cluster(folder, more=access.configuration(folder / "stores"), access=access) as running:
        yield running


@pytest.fixture
def given(cluster: Cluster, access: Access, shared_broker, tmp_path: Path) -> dict[str, str]:
    own = settings(shared_broker.bootstrap_servers, "on-a-cluster", tmp_path, tracing_topic="on-a-cluster")
    more = {"retention.ms": "3600000", "checkpoint.interval.ms": "1000", "flink.parallelism": "2", "workers": "2"}
    tls = {"flink.rest.tls": "true", "flink.rest.ca.file": access.ca_file, "flink.rest.cert.file": access.cert_file}
    found = own | cluster.settings() | more | tls
    tracing_aggregator("topics", "--partitions=2", given=found)
    return found


def output(name: str, *arguments: str, given: dict[str, str]) -> str:
    """What a command prints; it must succeed."""
    line = command(name, *arguments, given=given)
    ended = subprocess.run(line, cwd=ROOT, capture_output=True, text=True, timeout=240, check=False)
    assert ended.returncode == 0, ended.stderr
    return ended.stdout.strip()


def feed(given: dict[str, str], kind: str) -> None:
    """This trace of each message."""
    records = [record for record in good(MESSAGES) if json.loads(record[1])["type"] == kind]
    write(given["bootstrap.servers"], given["tracing.topic"], [(n % 2, record) for n, record in enumerate(records)])


def wait_for(given: dict[str, str], cluster: Cluster, kinds: tuple[str, ...]) -> Outcome:
    def is_there() -> bool:
        found = in_kafka(given)
        return all(len(found.of(kind)) == MESSAGES for kind in kinds)

    wait_until(is_there, 120, lambda: f"{in_kafka(given)}\n{cluster.task_managers[-1].tail()}")
    return in_kafka(given)


def workers(cluster: Cluster) -> list[int]:
    below = descendants(cluster.task_managers[-1].pid)
    return [pid for pid, line in below.items() if "runners.worker" in line]


def test_a_job_survives_its_worker_its_task_manager_and_a_stop(cluster, given, tmp_path):
    job = output("run", "--runner=flink", given=given)
    assert cluster.rest.is_processing(job)
    kept = cluster.rest.get(f"/jobs/{job}/checkpoints/config")
    assert kept["state_backend"] == "EmbeddedRocksDBStateBackend"
    assert kept["externalization"] == {"enabled": True, "delete_on_cancellation": False}
    assert len(workers(cluster)) == 2
    assert listening([cluster.task_managers[-1].pid, *workers(cluster)]) == []

    feed(given, "SEND")
    wait_for(given, cluster, KINDS[:1])
    os.kill(workers(cluster)[0], signal.SIGKILL)
    feed(given, "ACK")
    wait_for(given, cluster, KINDS[:2])

    cluster.task_managers[-1].kill()
    cluster.start_task_manager()
    feed(given, "CONSUME")
    wait_for(given, cluster, KINDS[:3])

    savepoint = output("stop", given=given)
    assert Path(savepoint.removeprefix("file:"), "_metadata").exists()
    feed(given, "COMMIT")
    assert output("run", "--runner=flink", given=given) != job
    found = wait_for(given, cluster, KINDS)
    assert output("stop", given=given) != savepoint

    alone = tmp_path / "good.jsonl"
    alone.write_text("".join(json.dumps({"payload": value.decode()}) + "\n" for _, value in good(MESSAGES)))
    assert found.traces == replayed(settings("unused:9092", "alone", tmp_path), tmp_path, alone).traces
