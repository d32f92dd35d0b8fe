from pathlib import Path

import orjson
import pytest
from click.testing import CliRunner

from pipeline.envelope import to_line
from tests.tracing_aggregator.explain.cases import acked, sent
from tracing_aggregator.cli.main import main

TRACES = Path(__file__).parents[2] / "data" / "real_traces.jsonl"


@pytest.fixture
def output(tmp_path) -> str:
    """A folder as `replay --output` writes it, with one message."""
    lines = [to_line("_aggregatedTrace", b"{}", orjson.dumps(value)) for value in (sent(), acked())]
    (tmp_path / "_aggregatedTrace.jsonl").write_bytes(b"".join(lines))
    return str(tmp_path)


def explain(*arguments: str):
    return CliRunner().invoke(main, ["explain", *arguments])


def test_a_message_is_shown_by_its_correlation_id_and_by_its_position(output):
    by_id, by_place = explain("c", "--from", output), explain("orders/0/42", "--from", output)
    assert (by_id.exit_code, by_id.stderr) == (0, "")
    assert "ACK     p1: 12 ms to the broker" in by_id.stdout
    assert by_place.stdout.splitlines()[1:] == by_id.stdout.splitlines()[1:]


def test_as_json_it_is_one_document(output):
    shown = orjson.loads(explain("c", "--from", output, "--json").stdout)
    assert [step["type"] for step in shown["messages"][0]["steps"]] == ["SEND", "ACK", "GAP"]


def test_raw_traces_are_replayed_first():
    shown = explain("test/1/6", "--traces", str(TRACES))
    assert shown.exit_code == 0
    assert "COMMIT  A1: 93 ms until committed by the commit at offset 6" in shown.stdout


def test_where_nothing_is_known_it_says_what_was_looked_at_and_what_to_try(output):
    shown = explain("nobody", "--from", output)
    assert (shown.exit_code, shown.stdout) == (1, "")
    assert shown.stderr.startswith(
        "Nothing is known of nobody.\nNo correlationId begins like that. Known topics: orders.\n"
        f"Looked at:\n  {output}/_aggregatedTrace.jsonl\n"
    )
    assert "What to try:" in shown.stderr


def test_the_beginning_of_a_correlation_id_is_enough(tmp_path):
    values = [sent(correlationId="0123456789"), acked(correlationId="0123456789")]
    lines = [to_line("_aggregatedTrace", b"{}", orjson.dumps(value)) for value in values]
    (tmp_path / "_aggregatedTrace.jsonl").write_bytes(b"".join(lines))
    shown = explain("01234567", "--from", str(tmp_path))
    assert (shown.exit_code, shown.stdout.splitlines()[0]) == (0, "correlationId 0123456789")


def test_a_position_may_be_written_as_kafkas_clients_do(output):
    shown = explain("orders-0@42", "--from", output)
    assert (shown.exit_code, "12 ms to the broker" in shown.stdout) == (0, True)


def test_where_nothing_is_known_the_document_is_empty(output):
    shown = explain("nobody", "--from", output, "--json")
    assert shown.exit_code == 1
    assert orjson.loads(shown.stdout)["messages"] == []


@pytest.mark.parametrize("extra", [["--since", "2h"], ["--traces", "x.jsonl"]])
def test_sources_cannot_be_mixed(output, extra):
    shown = explain("c", "--from", output, *extra)
    assert (shown.exit_code, "Give one of --from, --traces, --store and --since" in shown.stderr) == (2, True)


def test_a_file_that_is_not_there_is_said():
    shown = explain("c", "--traces", "nowhere.jsonl")
    assert (shown.exit_code, "There is no file nowhere.jsonl." in shown.stderr) == (2, True)
