"""Each test that starts a server says which, so that one without Chromium or Flink can leave it out."""

import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
FILES = sorted((ROOT / "tests" / "integration").rglob("test_*.py"))
MARKERS = [line.partition(":")[0] for line in tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["pytest"][
    "ini_options"]["markers"]]  # fmt: skip


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_a_test_that_starts_a_server_says_which(file):
    text = file.read_text()
    if "pytest.mark.integration" in text:
        assert any(f"pytest.mark.{name}" in text for name in MARKERS if name != "integration")
    else:
        assert "pytestmark = MARKS" in text or "Broker" not in text


def test_every_marker_is_used():
    texts = [file.read_text() for file in (ROOT / "tests").rglob("*.py")]
    assert [name for name in MARKERS if not any(f"pytest.mark.{name}" in text for text in texts)] == []
