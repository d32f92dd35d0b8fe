"""Records that are no traces, mixed into the tracing topic: nothing stops, nothing is lost, the rest is unaffected."""

import json
from pathlib import Path

import pytest

from runners.kafka.broker import Broker
from tests.integration.aggregations import OnFlink, Outcome, directly, replayed, settings, tracing_aggregator
from tests.integration.garbage import garbage, good, write

pytestmark = pytest.mark.integration
GOOD, GARBAGE = good(60), garbage()


def mixed(shared_broker: Broker, folder: Path, runner: str) -> tuple[dict[str, str], dict]:
    """Settings of a run over good records with garbage between them, and the garbage by (partition, offset)."""
    given = settings(
        shared_broker.bootstrap_servers,
        f"garbage-{runner}",
        folder,
        tracing_topic=f"garbage-{runner}",
        flink_parallelism="1",
        workers="1",
    )
    tracing_aggregator("topics", "--partitions=2", given=given)
    records = [(number % 2, record) for number, record in enumerate(GOOD)]
    for number, record in enumerate(GARBAGE):
        records.insert(number * 3, (number % 2, record))
    written = write(given["bootstrap.servers"], given["tracing.topic"], records)
    return given, {place: record for place, record in written.items() if record in GARBAGE}


def assert_unharmed(found: Outcome, bad: dict, folder: Path) -> None:
    assert {place: (letter["key"], letter["value"]) for place, letter in found.letters.items()} == bad
    assert all(letter["reason"] and letter["detail"] for letter in found.letters.values())
    alone = folder / "good.jsonl"
    alone.write_text("".join(json.dumps({"payload": value.decode()}) + "\n" for _, value in GOOD))
    assert found.traces == replayed(settings("unused:9092", "alone", folder), folder, alone).traces
    assert len(found.traces) == len(GOOD)


def test_on_the_direct_runner_each_bad_record_is_one_dead_letter_with_its_bytes(shared_broker, tmp_path):
    given, bad = mixed(shared_broker, tmp_path, "direct")
    assert len(bad) == len(GARBAGE)
    assert_unharmed(directly(given), bad, tmp_path)


def test_on_flink_each_bad_record_is_one_dead_letter_with_its_bytes(shared_broker, tmp_path):
    given, bad = mixed(shared_broker, tmp_path, "flink")
    with OnFlink(given, tmp_path / "run.log") as run:
        found = run.wait_until(lambda found: len(found.traces) >= len(GOOD) and found.letters.keys() >= bad.keys())
        run.end()
        assert "Flink restarts the job" not in run.said()
    assert_unharmed(found, bad, tmp_path)
