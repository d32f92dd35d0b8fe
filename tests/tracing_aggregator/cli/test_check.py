import orjson
import pytest
from click.testing import CliRunner

from runners.ports import free_ports
from tracing_aggregator.cli.main import main


@pytest.fixture
def nobody():
    """An address where no broker listens."""
    return f"127.0.0.1:{free_ports(1)[0]}"


def test_every_mistake_in_the_configuration_is_a_problem():
    shown = CliRunner().invoke(main, ["check", "--json", "-o", "runner=spark", "-o", "workers=0"])
    assert shown.exit_code == 1
    assert [(verdict["level"], verdict["subject"]) for verdict in orjson.loads(shown.stdout)] == [
        ("problem", "configuration"),
        ("problem", "configuration"),
    ]
    assert shown.stderr == "2 problems found.\n"


def test_brokers_that_do_not_answer_are_a_problem_with_the_reason_and_what_to_do(nobody):
    shown = CliRunner().invoke(main, ["check", "-o", f"bootstrap.servers={nobody}"])
    assert shown.exit_code == 1
    assert f"problem  brokers {nobody}: No broker answers at {nobody}: " in shown.stdout
    assert "Connection refused" in shown.stdout
    assert "tracing-aggregator broker" in shown.stdout


def test_a_store_that_only_java_can_read_is_a_problem(tmp_path, nobody):
    store = tmp_path / "trust.jks"
    store.write_bytes(b"\xfe\xed\xfe\xed")
    overrides = ["-o", f"bootstrap.servers={nobody}", "-o", f"ssl.truststore.location={store}"]
    shown = CliRunner().invoke(main, ["check", *overrides])
    assert (shown.exit_code, "keytool -importkeystore" in shown.stdout) == (1, True)


def test_topics_say_that_no_broker_answers_and_end_with_two(nobody):
    shown = CliRunner().invoke(main, ["topics", "-o", f"bootstrap.servers={nobody}"])
    assert (shown.exit_code, shown.stdout) == (2, "")
    assert f"No broker answers at {nobody}" in shown.stderr
