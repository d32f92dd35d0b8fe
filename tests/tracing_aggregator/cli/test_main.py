import subprocess
import sys
from importlib.util import find_spec

import click
import pytest
from click.testing import CliRunner

from pipeline.errors import UserError
from tracing_aggregator.cli.main import COMMANDS, main


@click.command()
def failing() -> None:
    raise UserError("It broke because of this.", "Type that.")


@pytest.fixture
def failing_command(monkeypatch):
    monkeypatch.setitem(COMMANDS, "failing", COMMANDS["check"]._replace(target=f"{__name__}:failing"))
    monkeypatch.setitem(sys.modules, __name__, sys.modules[__name__])


def test_an_error_that_the_user_can_mend_is_shown_without_a_traceback(failing_command):
    shown = CliRunner().invoke(main, ["failing"])
    assert (shown.exit_code, shown.stdout) == (2, "")
    assert shown.stderr == "Error: It broke because of this.\nType that.\n"


def test_debug_shows_the_traceback(failing_command):
    shown = CliRunner().invoke(main, ["--debug", "failing"])
    assert isinstance(shown.exception, UserError)


def test_a_configuration_with_mistakes_ends_a_command_before_it_begins():
    shown = CliRunner().invoke(main, ["topics", "-o", "runner=spark", "-o", "workers=0"])
    assert shown.exit_code == 2
    assert "2 mistakes in the configuration" in shown.stderr


def test_a_command_that_does_not_exist_is_refused():
    shown = CliRunner().invoke(main, ["nonsense"])
    assert (shown.exit_code, "There is no command nonsense." in shown.stderr) == (2, True)


@pytest.mark.parametrize(
    ("typed", "meant"), [(["explan"], "explain"), (["dashbord"], "dashboard"), (["sink", "oltp"], "otlp")]
)
def test_a_command_that_is_mistyped_is_proposed(typed, meant):
    shown = CliRunner().invoke(main, typed)
    assert (shown.exit_code, f" Did you mean {meant}" in shown.stderr) == (2, True)


def test_the_version_is_that_of_the_distribution():
    assert CliRunner().invoke(main, ["--version"]).stdout == "tracing-aggregator, version 0.1.0\n"


def test_help_lists_every_command_and_imports_neither_beam_nor_kafka_nor_pydantic():
    heavy = "{'apache_beam', 'confluent_kafka', 'pydantic', 'rich'}"
    script = f"""
import sys
from click.testing import CliRunner
from tracing_aggregator.cli.main import main
shown = CliRunner().invoke(main, ["--help"])
print(shown.stdout)
sys.exit(str({heavy} & sys.modules.keys()) if {heavy} & sys.modules.keys() else shown.exit_code)
"""
    shown = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False, timeout=60)
    assert (shown.returncode, shown.stderr) == (0, "")
    assert all(f"  {name} " in shown.stdout for name in COMMANDS)


def test_help_waits_for_nothing_that_takes_long_to_import():
    told = "atexit.register(lambda: print(*sys.modules, file=sys.stderr))"
    code = f"import atexit, sys; {told}; from tracing_aggregator.cli.main import main; main(['--help'])"
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, timeout=60, text=True)
    assert shown.stdout.startswith("Usage: ")
    slow = {"apache_beam", "confluent_kafka", "pydantic", "rich", "fastapi", "prometheus_client", "cryptography"}
    assert "click" in shown.stderr.split()
    assert slow.isdisjoint(shown.stderr.split())


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_exists_under_its_name_and_explains_itself(name):
    assert find_spec(COMMANDS[name].target.partition(":")[0])
    shown = CliRunner().invoke(main, [name, "--help"], prog_name="tracing-aggregator")
    assert shown.exit_code == 0, shown.output
    assert shown.stdout.startswith(f"Usage: tracing-aggregator {name} ")
