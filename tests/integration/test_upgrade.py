"""The committed savepoint of a released version: what was open in it completes in this one."""

import json
import subprocess
import tarfile
from pathlib import Path

import pytest

from tests.integration.aggregations import (
    FINDINGS,
    OnFlink,
    Outcome,
    command,
    in_kafka,
    replayed,
)
from tests.integration.flink_processes import records, wait_until
from tests.integration.open_messages import (
    GROUP,
    RESTORED,
    SAVEPOINT,
    SKIPPED,
    TOPIC,
    UNACKED,
    after,
    before,
    completed,
    create_topics,
    produce,
    settings,
)

pytestmark = pytest.mark.integration
SKIPPED_FINDING = f"unconsumed:{GROUP}:{TOPIC}:{SKIPPED}:1"
UNACKED_FINDING = f"unacked:{UNACKED}-0-SEND:{UNACKED}:0"


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    """The folder with the savepoint and the record of the job that made it."""
    with tarfile.open(SAVEPOINT) as archive:
        archive.extractall(tmp_path / "saved", filter="data")
    return tmp_path / "saved"


def savepoint_in(saved: Path) -> str:
    [place] = saved.glob("savepoint-*")
    return str(place)


def replayed_whole(folder: Path) -> Outcome:
    """The same traces without any interruption."""
    file = folder / "whole.jsonl"
    file.write_text("".join(json.dumps({"payload": json.dumps(value)}) + "\n" for value in [*before(), *after()]))
    return replayed(settings("unused:9092", "whole", folder, RESTORED), folder, file)


def test_what_was_open_in_a_savepoint_of_the_released_version_completes(shared_broker, saved, tmp_path):
    given = settings(shared_broker.bootstrap_servers, "restored", tmp_path, RESTORED)
    create_topics(shared_broker.bootstrap_servers, given)
    produce(shared_broker.bootstrap_servers, given["tracing.topic"], after())
    with OnFlink(given, tmp_path / "run.log", f"--from-savepoint={savepoint_in(saved)}") as run:
        found = run.wait_until(lambda found: completed() <= found.traces.keys() and UNACKED_FINDING in found.findings)

        def told() -> list[dict]:
            return [json.loads(record.value()) for record in records(given["bootstrap.servers"], given[FINDINGS])]

        wait_until(lambda: any(one["id"] == SKIPPED_FINDING and one.get("resolved") for one in told()), 60, run.said)
        assert "Resuming from" in run.said()
        assert "Flink restarts the job" not in run.said()
        run.end()

    whole = replayed_whole(tmp_path)
    assert {name: found.traces[name] for name in completed()} == {name: whole.traces[name] for name in completed()}
    assert {name for name in in_kafka(given).findings if name.startswith("unacked")} == {
        f"unacked:{UNACKED}-0-SEND:{UNACKED}:0"
    }


def test_state_of_another_format_is_refused_before_anything_starts(shared_broker, saved, tmp_path):
    given = settings(shared_broker.bootstrap_servers, "refused", tmp_path, RESTORED)
    create_topics(shared_broker.bootstrap_servers, given)
    [record] = saved.glob("*.json")
    jobs = tmp_path / "state" / "refused" / "jobs"
    jobs.mkdir(parents=True)
    made = json.loads(record.read_text())
    made["frozen"]["state.format"] -= 1
    (jobs / record.name).write_text(json.dumps(made))
    line = command("run", f"--from-savepoint={savepoint_in(saved)}", given=given)
    ended = subprocess.run(line, capture_output=True, text=True, timeout=120, check=False)
    assert ended.returncode == 2
    assert "this release reads format" in ended.stderr
    assert "Go on with the release that wrote it" in ended.stderr
