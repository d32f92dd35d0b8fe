"""State that is gone is missed, and a copy of a savepoint brings it back."""

import shutil
import subprocess
from pathlib import Path

import pytest
import requests
from confluent_kafka import Consumer, TopicPartition

from runners.flink.options import read_configuration
from tests.integration.aggregations import OnFlink, command
from tests.integration.flink_processes import ROOT, wait_until
from tests.integration.open_messages import SAVING, after, before, completed, create_topics, produce, settings
from tests.integration.test_restores import IN_THE_END, RUNNING, same_as_without_interruption, told

pytestmark = [pytest.mark.integration, pytest.mark.flink]


def has_offsets(given: dict[str, str]) -> bool:
    consumer = Consumer({"bootstrap.servers": given["bootstrap.servers"], "group.id": given["application.id"]})
    try:
        return consumer.committed([TopicPartition(given["tracing.topic"], 0)], timeout=30)[0].offset >= 0
    finally:
        consumer.close()


def saved_while_it_runs(state: Path, folder: Path) -> Path:
    """What docs/backup.md does with curl."""
    flink = read_configuration(state / "flink")
    asked = requests.post(
        f"http://localhost:{flink['rest.port']}/jobs/{flink['$internal.pipeline.job-id']}/savepoints",
        json={"target-directory": f"file://{folder}", "cancel-job": False, "formatType": "NATIVE"},
        timeout=30,
    )
    assert asked.ok, asked.text
    wait_until(lambda: any(folder.glob("*/_metadata")), 60)
    return next(folder.glob("*/_metadata")).parent


def test_lost_state_is_missed_and_comes_back_from_a_copied_savepoint(shared_broker, tmp_path: Path):
    given = settings(shared_broker.bootstrap_servers, "lost", tmp_path, {**SAVING, "checkpoint.interval.ms": "500"})
    create_topics(shared_broker.bootstrap_servers, given)
    state, backup = tmp_path / "state" / "lost", tmp_path / "backup"
    with OnFlink(given, tmp_path / "1.log") as run:
        produce(given["bootstrap.servers"], given["tracing.topic"], before())
        wait_until(lambda: told(given) and has_offsets(given), 180, run.said)
        shutil.copytree(saved_while_it_runs(state, tmp_path / "saved"), backup)
        run.end()
    shutil.rmtree(state)
    shutil.rmtree(tmp_path / "saved")

    refused = subprocess.run(
        command("run", given=given), cwd=ROOT, capture_output=True, text=True, timeout=120, check=False
    )
    assert refused.returncode == 2
    assert f"no snapshot of its state is found in {state}" in refused.stderr

    produce(given["bootstrap.servers"], given["tracing.topic"], after())
    with OnFlink({**given, **IN_THE_END}, tmp_path / "2.log", "--from-savepoint", str(backup)) as run:
        found = run.wait_until(lambda found: completed() <= found.traces.keys())
        run.end()
    same_as_without_interruption(found, tmp_path)

    shutil.rmtree(state)
    with OnFlink(given, tmp_path / "3.log", "--start-anew") as run:
        wait_until(lambda: RUNNING in run.said(), 180, run.said)
        assert "starting anew" in run.said()
        run.end()
