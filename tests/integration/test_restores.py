"""A savepoint of real Flink fits whatever changes the graph: no setting and no rescaling costs the state."""

import json
import subprocess
from pathlib import Path

import pytest

from tests.integration.aggregations import FINDINGS, OnFlink, Outcome, command, in_kafka, replayed
from tests.integration.flink_processes import records, wait_until
from tests.integration.open_messages import (
    CHANGED,
    GROUP,
    HOLDS,
    SAVING,
    SKIPPED,
    TEN_YEARS,
    TOPIC,
    UNACKED,
    after,
    before,
    completed,
    create_topics,
    produce,
    settings,
)

pytestmark = [pytest.mark.integration, pytest.mark.flink]
SKIPPED_FINDING = f"unconsumed:{GROUP}:{TOPIC}:{SKIPPED}:1"
UNACKED_FINDING = f"unacked:{UNACKED}-0-SEND:{UNACKED}:0"
IN_THE_END = {**HOLDS, "unacked.ms": "1000", "uncommitted.ms": TEN_YEARS, "unconsumed.ms": "1000", "workers": "1"}
RUNNING = "Running after"


def told(given: dict[str, str]) -> list[dict]:
    return [json.loads(record.value()) for record in records(given["bootstrap.servers"], given[FINDINGS])]


def saved_with_open_messages(given: dict[str, str], log: Path) -> None:
    with OnFlink(given, log) as run:
        wait_until(lambda: RUNNING in run.said(), 180, run.said)
        produce(given["bootstrap.servers"], given["tracing.topic"], before())
        wait_until(lambda: told(given), 180, run.said)
        run.end()


def completes(given: dict[str, str], log: Path) -> Outcome:
    """What has come out once what was open is complete."""
    produce(given["bootstrap.servers"], given["tracing.topic"], after())
    with OnFlink(given, log) as run:
        found = run.wait_until(lambda found: completed() <= found.traces.keys() and UNACKED_FINDING in found.findings)
        wait_until(
            lambda: any(one["id"] == SKIPPED_FINDING and one.get("resolved") for one in told(given)), 60, run.said
        )
        assert "Resuming from" in run.said()
        assert "Flink restarts the job" not in run.said()
        run.end()
    return found


def same_as_without_interruption(found: Outcome, folder: Path) -> None:
    file = folder / "whole.jsonl"
    file.write_text("".join(json.dumps({"payload": json.dumps(value)}) + "\n" for value in [*before(), *after()]))
    whole = replayed(settings("unused:9092", "whole", folder, IN_THE_END), folder, file)
    assert {name: found.traces[name] for name in completed()} == {name: whole.traces[name] for name in completed()}


def test_what_is_open_completes_after_every_setting_that_changes_the_graph_was_on_and_off_again(
    shared_broker, tmp_path
):
    given = settings(shared_broker.bootstrap_servers, "changes", tmp_path, {**SAVING, "flink.parallelism": "2"})
    create_topics(shared_broker.bootstrap_servers, given)
    saved_with_open_messages(given, tmp_path / "1.log")

    with OnFlink({**given, **CHANGED}, tmp_path / "2.log") as run:
        wait_until(lambda: RUNNING in run.said(), 180, run.said)
        run.end()

    ended = {**given, **IN_THE_END, "flink.parallelism": "1"}
    found = completes(ended, tmp_path / "3.log")
    same_as_without_interruption(found, tmp_path)
    assert {name for name in in_kafka(given).findings if name.startswith("unacked")} == {UNACKED_FINDING}

    for record in (tmp_path / "state" / "changes" / "jobs").glob("*.json"):
        made = json.loads(record.read_text())
        made["frozen"]["state.format"] -= 1
        record.write_text(json.dumps(made))
    refused = subprocess.run(command("run", given=ended), capture_output=True, text=True, timeout=120, check=False)
    assert refused.returncode == 2
    assert "this release reads format" in refused.stderr


def test_beams_java_transforms_do_the_same_and_their_state_goes_on_under_ours(shared_broker, tmp_path):
    given = settings(shared_broker.bootstrap_servers, "java", tmp_path, {**SAVING, "flink.parallelism": "1"})
    create_topics(shared_broker.bootstrap_servers, given)
    # Its offsets are committed with the checkpoints.
    saved_with_open_messages({**given, "kafka.io": "java", "checkpoint.interval.ms": "500"}, tmp_path / "1.log")
    found = completes({**given, **IN_THE_END}, tmp_path / "2.log")
    same_as_without_interruption(found, tmp_path)
