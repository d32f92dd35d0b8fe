from pathlib import Path

import pytest

from pipeline.config.load import Config
from pipeline.config.settings import Settings
from pipeline.errors import UserError
from runners.java.expansion import expansion_arguments
from runners.prism import find_prism, run


def program(path: Path) -> Path:
    path.write_text("#!/bin/sh\n")
    path.chmod(0o755)
    return path


def test_the_configured_program_is_taken(tmp_path):
    assert find_prism(str(program(tmp_path / "mine"))) == str(tmp_path / "mine")


def test_else_the_one_on_the_path(tmp_path, monkeypatch):
    program(tmp_path / "prism")
    monkeypatch.setenv("PATH", str(tmp_path))
    assert find_prism("") == str(tmp_path / "prism")


def test_without_any_the_error_says_how_to_get_it(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(UserError, match="go install"):
        find_prism("")
    with pytest.raises(UserError, match="is no program"):
        find_prism(str(tmp_path / "absent"))


def test_flink_gets_the_deprecated_read():
    assert "--experiments=use_deprecated_read" in expansion_arguments(1, Path("/a.jar"))


def test_java_transforms_are_refused_since_prism_runs_without_java():
    with pytest.raises(UserError, match="without Java"):
        run(Config(Settings(kafka_io="java")), print)
