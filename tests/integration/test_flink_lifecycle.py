"""Embedded Flink on a real broker: stopped, killed or given more to read, it loses nothing, leaves nothing."""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from confluent_kafka.admin import AdminClient, NewPartitions, NewTopic

from pipeline.config.load import load_config
from runners.flink import cluster
from runners.kafka.broker import Broker
from tests.integration.flink_processes import ROOT, PairsRun, is_alive, listening, outcomes, produce, wait_until

pytestmark = [pytest.mark.integration, pytest.mark.flink]
PAIRS = [f"pair-{number}" for number in range(40)]
RUNNING = "Running after"


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    with Broker(tmp_path_factory.mktemp("broker")) as broker:
        yield broker


@pytest.fixture
def settings(broker: Broker, tmp_path: Path, request: pytest.FixtureRequest) -> dict[str, str]:
    name = request.node.name[:60]
    admin = AdminClient({"bootstrap.servers": broker.bootstrap_servers})
    topics = [NewTopic(f"{name}-in", 2, 1), NewTopic(f"{name}-out", 1, 1)]
    for created in admin.create_topics(topics).values():
        created.result(30)
    return {
        "bootstrap.servers": broker.bootstrap_servers,
        "application.id": name,
        "state.dir": str(tmp_path / "a state folder"),
        "tracing.topic": f"{name}-in",
        "aggregated.topic": f"{name}-out",
        "checkpoint.interval.ms": "1000",
        "discovery.interval.ms": "1000",
    }


def of(settings: dict[str, str], tmp_path: Path, number: int) -> PairsRun:
    return PairsRun(tmp_path / f"run-{number}.log", settings)


def joined(settings: dict[str, str]) -> set[str]:
    found = outcomes(settings["bootstrap.servers"], settings["aggregated.topic"])
    return {pair for pair, kinds in found.items() if kinds["joined"]}


def alone(settings: dict[str, str]) -> set[str]:
    found = outcomes(settings["bootstrap.servers"], settings["aggregated.topic"])
    return {pair for pair, kinds in found.items() if kinds["alone"]}


def wait_for_checkpoint(settings: dict[str, str], run: PairsRun) -> None:
    """Until one is complete that began after now."""
    began = time.time() + float(settings["checkpoint.interval.ms"]) / 1000
    folder = Path(settings["state.dir"]) / settings["application.id"]
    wait_until(
        lambda: any(file.stat().st_mtime > began for file in folder.glob("checkpoints/*/chk-*/_metadata")),
        60,
        run.said,
    )


def feed(settings: dict[str, str], pairs: list[str], half: bytes, partition: int = -1) -> None:
    produce(settings["bootstrap.servers"], settings["tracing.topic"], pairs, half, partition)


def test_sigterm_saves_the_state_and_leaves_no_process_and_the_next_run_joins_across_it(settings, tmp_path):
    with of(settings, tmp_path, 1) as run:
        run.wait_for(RUNNING)
        feed(settings, PAIRS, b"left")
        time.sleep(2)  # read, and not yet in any checkpoint: the savepoint alone has it
        left_over = run.below()
        assert listening([run.process.pid, *left_over]) == []

        with of(settings, tmp_path, 2) as second:
            second.process.wait(60)
            assert second.process.returncode != 0
            assert f"is in use by another run, process {run.process.pid}" in second.said()

        assert run.end(signal.SIGTERM) == 0, run.said()
        assert "Savepoint: " in run.said()
    wait_until(lambda: not any(map(is_alive, left_over)), 30)
    assert not alone(settings), "stopping must not end the waits"

    with of(settings, tmp_path, 3) as run:
        run.wait_for(RUNNING)
        assert f"Resuming from {settings['state.dir']}" in run.said()
        feed(settings, PAIRS[:-5], b"right")
        wait_until(lambda: joined(settings) == set(PAIRS[:-5]), 60, run.said)
        wait_until(lambda: alone(settings) == set(PAIRS[-5:]), 180, run.said)

        left_over = run.below()
        os.kill(run.process.pid, signal.SIGKILL)
    wait_until(lambda: not any(map(is_alive, left_over)), 30)


def test_neither_a_killed_worker_nor_a_killed_flink_loses_anything(settings, tmp_path):
    with of(settings, tmp_path, 1) as run:
        run.wait_for(RUNNING)
        feed(settings, PAIRS[:20], b"left")
        wait_for_checkpoint(settings, run)
        os.kill(run.workers()[0], signal.SIGKILL)
        feed(settings, PAIRS[20:], b"left")
        run.wait_for("Flink restarts the job from its last checkpoint")
        feed(settings, PAIRS[:10], b"right")
        wait_until(lambda: joined(settings) == set(PAIRS[:10]), 60, run.said)

        wait_for_checkpoint(settings, run)
        os.kill(run.jvm(), signal.SIGKILL)
        assert run.process.wait(60) == 1, run.said()
        assert "The job failed: Flink's JVM ended with exit code -9" in run.said()
        assert "Traceback" not in run.said()
    feed(settings, PAIRS[10:35], b"right")

    with of(settings, tmp_path, 2) as run:
        run.wait_for(RUNNING)
        assert "/checkpoints/" in run.said()
        wait_until(lambda: joined(settings) == set(PAIRS[:35]), 60, run.said)
        wait_until(lambda: alone(settings) == set(PAIRS[35:]), 180, run.said)
        assert run.end() == 0


def test_added_partitions_are_read_while_the_job_runs_and_joined_with_what_was_there_before(settings, tmp_path):
    with of(settings, tmp_path, 1) as run:
        run.wait_for(RUNNING)
        feed(settings, PAIRS, b"left")
        admin = AdminClient({"bootstrap.servers": settings["bootstrap.servers"]})
        admin.create_partitions([NewPartitions(settings["tracing.topic"], 4)])[settings["tracing.topic"]].result(30)
        feed(settings, PAIRS[:10], b"right", partition=2)
        feed(settings, PAIRS[10:20], b"right", partition=3)
        feed(settings, PAIRS[20:35], b"right", partition=0)
        wait_until(lambda: joined(settings) == set(PAIRS[:35]), 60, run.said)
        wait_until(lambda: alone(settings) == set(PAIRS[35:]), 180, run.said)
        assert run.said().count(RUNNING) == 1

        # Flink's REST interface here is the same as a cluster's: stop it as one.
        address = re.findall(r"http://(\S+),", run.said())[-1]
        as_cluster = {**settings, "flink.master": address, "state.dir": str(tmp_path / "elsewhere")}
        savepoint = cluster.stop(load_config(None, {}, [f"{name}={value}" for name, value in as_cluster.items()]))
        assert Path(savepoint.removeprefix("file:"), "_metadata").exists()
        assert run.process.wait(60) == 1
        assert "The job failed" in run.said()


def test_time_passes_in_partitions_without_a_record_and_stop_leaves_a_savepoint(settings, tmp_path):
    """The topic has CreateTime, and one of its partitions never had a record."""
    feed(settings, ["pair"], b"left", partition=0)
    with of(settings, tmp_path, 1) as run:
        run.wait_for(RUNNING)
        wait_until(lambda: alone(settings) == {"pair"}, 180, run.said)
        arguments = [part for name, value in settings.items() for part in ("-o", f"{name}={value}")]
        stopped = subprocess.run(
            [sys.executable, "-m", "tracing_aggregator.cli.main", "stop", *arguments],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=True,
        )
        assert Path(stopped.stdout.strip(), "_metadata").exists()
        assert run.process.wait(60) == 0, run.said()


def test_a_snapshot_that_flink_cannot_start_from_is_passed_over_for_the_one_before(settings, tmp_path):
    with of(settings, tmp_path, 1) as run:
        run.wait_for(RUNNING)
        feed(settings, PAIRS[:5], b"left")
        wait_for_checkpoint(settings, run)
        assert run.end(signal.SIGTERM) == 0, run.said()
    folder = Path(settings["state.dir"]) / settings["application.id"]
    [newest] = folder.glob("savepoints/*/savepoint-*/_metadata")
    newest.write_bytes(newest.read_bytes()[:1000])
    with of(settings, tmp_path, 2) as run:
        run.wait_for(RUNNING)
        assert run.said().count("Resuming from") == 2, run.said()
        feed(settings, PAIRS[:5], b"right")
        wait_until(lambda: joined(settings) == set(PAIRS[:5]), 60, run.said)
        assert run.end() == 0
