from pathlib import Path

import pytest
from click.testing import CliRunner

from tracing_aggregator.cli.main import main


@pytest.fixture
def asked(monkeypatch):
    """What is asked for, in place of fetching it."""
    found: list[tuple[str, Path, str]] = []

    def resolve(group: str, cache: Path, mirror: str) -> list[Path]:
        found.append((group, cache, mirror))
        return [cache / "a.jar"]

    monkeypatch.setattr("tracing_aggregator.cli.jobs.jars.resolve", resolve)
    return found


def test_without_a_name_it_fetches_what_run_needs(asked, tmp_path):
    shown = CliRunner().invoke(main, ["jars", "-o", f"jars.cache={tmp_path}", "-o", "jars.mirror=file:///mirror"])
    assert (shown.exit_code, shown.stdout) == (0, "")
    assert asked == [("beam", tmp_path, "file:///mirror")]
    assert shown.stderr == f"beam: 1 jars, intact, in {tmp_path}\n"


def test_it_fetches_the_groups_that_are_named(asked):
    assert CliRunner().invoke(main, ["jars", "broker", "clients"]).exit_code == 0
    assert [group for group, _, _ in asked] == ["broker", "clients"]


def test_a_group_that_does_not_exist_is_refused(asked):
    assert CliRunner().invoke(main, ["jars", "spark"]).exit_code == 2
    assert asked == []
