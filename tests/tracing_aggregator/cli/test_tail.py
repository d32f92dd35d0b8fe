import json
from typing import Any

import pytest
from click.testing import CliRunner

from pipeline.envelope import from_line
from tests.tracing_aggregator.explain.cases import committed, consumed, found, sent
from tracing_aggregator.cli.main import main
from tracing_aggregator.cli.watch import tail

FINDING = found("over-consumed", groupId="billing", clientId="billing-2", cause="rebalance", resolved=True)


@pytest.fixture
def arriving(monkeypatch):
    """What arrives on each topic, before Ctrl-C; and which topics were asked for."""
    records: list[Any] = []
    asked: list[str] = []

    def arrivals(config, topic, begun):
        asked.append(topic)
        begun()
        yield from (
            (b'{"id":1}', value if isinstance(value, bytes) else json.dumps(value).encode()) for value in records
        )
        raise KeyboardInterrupt

    monkeypatch.setattr(tail, "arrivals", arrivals)
    return records, asked


def shown(*options: str) -> list[str]:
    ended = CliRunner().invoke(main, ["tail", *options])
    assert ended.exit_code == 0, ended.output
    assert "Ctrl-C ends it" in ended.stderr
    return ended.stdout.splitlines()


def test_traces_are_lines_of_a_table_until_ctrl_c(arriving):
    arriving[0].extend([sent(), consumed()])
    head, *lines = shown()
    assert head.startswith("TIME (UTC)")
    assert [line.split()[1:3] for line in lines] == [["SEND", "orders/0/42"], ["CONSUME", "orders/0/42"]]
    assert arriving[1] == ["_aggregatedTrace"]


def test_json_lines_are_in_the_envelope_of_kcat(arriving):
    arriving[0].append(consumed())
    [line] = shown("--json")
    record = from_line(line.encode())
    assert (record.topic, record.key, json.loads(record.value)) == ("_aggregatedTrace", b'{"id":1}', consumed())


@pytest.mark.parametrize(
    ("options", "kinds"),
    [
        (["--type", "consume"], ["CONSUME", "CONSUME"]),
        (["--type", "SEND", "--type", "COMMIT"], ["SEND", "COMMIT"]),
        (["--group", "audit"], ["CONSUME"]),
        (["--topic", "orders", "--group", "billing", "--type", "COMMIT"], ["COMMIT"]),
        (["--topic", "other"], []),
    ],
)
def test_filters_choose_by_topic_group_and_type_and_all_of_them_hold(arriving, options, kinds):
    arriving[0].extend([sent(), consumed(), consumed(group="audit"), committed()])
    assert [json.loads(json.loads(line)["payload"])["type"] for line in shown("--json", *options)] == kinds


def test_anomalies_are_findings_with_their_state_and_cause(arriving):
    arriving[0].append(FINDING)
    head, line = shown("--anomalies")
    assert head.split()[2:4] == ["STATE", "REASON"]
    assert "resolved  over-consumed" in line
    assert line.endswith("cause: rebalance")
    assert arriving[1] == ["_traceAnomaly"]


def test_what_is_no_record_of_ours_is_left_out(arriving):
    arriving[0].extend([b"no json", b"[1]", b"null"])
    assert shown("--json") == []


def test_a_type_makes_no_sense_for_findings():
    ended = CliRunner().invoke(main, ["tail", "--anomalies", "--type", "SEND"])
    assert (ended.exit_code, "leave it out with --anomalies" in ended.stderr) == (2, True)


def test_without_a_broker_it_says_what_to_do():
    ended = CliRunner().invoke(main, ["tail", "-o", "bootstrap.servers=127.0.0.1:1"])
    assert ended.exit_code == 2
    assert "No broker answers at 127.0.0.1:1" in ended.stderr
