from pathlib import Path

import pytest

from pipeline.errors import UserError
from runners.expansion import expansion_arguments
from runners.prism import find_prism


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


def test_flink_gets_the_deprecated_read_and_prism_the_splittable_one():
    on_flink = expansion_arguments(1, Path("/a.jar"), with_worker=False)
    on_prism = expansion_arguments(1, Path("/a.jar"), with_worker=True)
    assert "--experiments=use_deprecated_read" in on_flink
    assert "--alsoStartLoopbackWorker" in on_prism
    assert not any("deprecated" in argument for argument in on_prism)
