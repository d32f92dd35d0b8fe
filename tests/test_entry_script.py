import os
import subprocess
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[1] / "bin/tracing-aggregator.sh"


@pytest.fixture
def home(tmp_path):
    """A copy of the script in a repository of its own, beside a command that says how it was called."""
    script = tmp_path / "repository/bin/tracing-aggregator.sh"
    script.parent.mkdir(parents=True)
    script.write_bytes(SCRIPT.read_bytes())
    script.chmod(0o755)
    return tmp_path


def command(folder: Path, name: str) -> None:
    folder.mkdir(parents=True)
    file = folder / "tracing-aggregator"
    file.write_text(f'#!/bin/bash\necho {name} "$@" "$java_option"\n', encoding="utf-8")
    file.chmod(0o755)


def start(home: Path, path: str = "") -> "subprocess.CompletedProcess[str]":
    environ = {"PATH": f"{path}:{os.environ['PATH']}" if path else "/usr/bin:/bin", "java_option": "-Xmx1g"}
    script = home / "repository/bin/tracing-aggregator.sh"
    return subprocess.run(
        [script, "c.properties", "-o", "a=b c"], env=environ, capture_output=True, text=True, check=False, timeout=30
    )


def test_the_script_runs_the_command_of_the_repository_with_all_arguments_and_the_environment(home):
    command(home / "repository/.venv/bin", "repository")
    command(home / "path", "path")
    assert start(home, str(home / "path")).stdout == "repository run c.properties -o a=b c -Xmx1g\n"


def test_the_script_falls_back_to_the_path(home):
    command(home / "path", "path")
    assert start(home, str(home / "path")).stdout == "path run c.properties -o a=b c -Xmx1g\n"


def test_without_an_installation_the_script_says_how_to_get_one(home):
    shown = start(home)
    assert shown.returncode == 127
    assert f"make -C '{home}/repository' venv" in shown.stderr
