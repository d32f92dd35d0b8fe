"""`explain` asks the store of a dashboard, if there is one, and not Kafka."""

import time
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from tests.tracing_aggregator.dashboard.stores import TRACES
from tests.tracing_aggregator.explain.cases import acked, consumed, sent
from tracing_aggregator.cli.main import main
from tracing_aggregator.dashboard.message import live_store


def explained(folder: Path, *options: str) -> Result:
    config = ["-o", f"state.dir={folder}", "-o", "bootstrap.servers=127.0.0.1:1"]
    return CliRunner().invoke(main, ["explain", "orders/0/42", *config, *options])


def test_explain_answers_from_a_store_without_asking_kafka(made, tmp_path):
    made.take(TRACES, [sent(), acked(), consumed()])
    result = explained(tmp_path, "--store", str(made.reader.path))
    assert result.exit_code == 0
    assert "3.2 s until billing read it" in result.output


@pytest.mark.parametrize(
    ("subject", "why"),
    [
        ("orders/0/99", "orders/0 ends at 42, as far as traces tell."),
        ("order/0/1", "No trace is of a topic order. Did you mean orders? Its newest message:"),
        ("orders", "orders is a topic, not a message. Its newest one:"),
        ("nobody", "No correlationId begins like that. Known topics: orders."),
    ],
)
def test_explain_says_why_a_store_has_nothing(made, tmp_path, subject, why):
    made.take(TRACES, [sent()])
    store = str(made.reader.path)
    result = CliRunner().invoke(main, ["explain", subject, "--store", store, "-o", f"state.dir={tmp_path}"])
    assert result.exit_code == 1
    assert result.stderr.startswith(f"Nothing is known of {subject}.\n{why}\n")
    if why.endswith(":"):
        assert f"\n  tracing-aggregator explain --store {store} orders/0/42\n" in result.stderr


def test_explain_of_an_empty_store_says_so(made):
    result = CliRunner().invoke(main, ["explain", "orders/0/1", "--store", str(made.reader.path)])
    assert "\nThere is not one trace yet.\n" in result.stderr


def test_explain_asks_the_store_of_a_dashboard_that_runs_by_itself(made, tmp_path):
    made.take(TRACES, [sent(), acked(), consumed()])
    made.connection.executemany(
        "INSERT INTO meta VALUES (?, ?)",
        [("alive", str(time.time_ns() // 1_000_000)), ("servers", "127.0.0.1:1")],
    )
    path = tmp_path / "_aggregator-trace-stream" / "dashboard.sqlite"
    path.parent.mkdir()
    path.symlink_to(made.reader.path)
    assert explained(tmp_path).exit_code == 0


def test_a_store_that_no_dashboard_fills_any_more_is_not_asked_by_itself(made):
    made.connection.executemany("INSERT INTO meta VALUES (?, ?)", [("alive", "1000"), ("servers", "here:1")])
    assert live_store(made.reader.path, "here:1") is None
    made.connection.execute("UPDATE meta SET value = ? WHERE name = 'alive'", (str(time.time_ns() // 1_000_000),))
    assert live_store(made.reader.path, "here:1") is not None
    assert live_store(made.reader.path, "elsewhere:1") is None
    assert live_store(made.reader.path.with_name("none"), "here:1") is None
