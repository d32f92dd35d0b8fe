"""The operating guide: every metric and every alert is in it, and the messages that it quotes are ours."""

import ast
import re

import pytest

from tests.deploy.artefacts import ROOT
from tests.tracing_aggregator.metrics.test_deploy import NAME, NAMES, rules
from tracing_aggregator.cli.main import COMMANDS

GUIDE = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
PACKAGES = ("pipeline", "runners", "tracing_aggregator", "transforms")


def section(title: str) -> str:
    [found] = re.findall(rf"^## {title}\n(.*?)(?=^## |\Z)", GUIDE, re.MULTILINE | re.DOTALL)
    return str(found)


def texts() -> set[str]:
    """Every text in the code, with `…` where something is filled in."""
    found = set()
    for package in PACKAGES:
        for file in (ROOT / package).rglob("*.py"):
            for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
                if isinstance(node, ast.JoinedStr):
                    parts = [part.value if isinstance(part, ast.Constant) else "…" for part in node.values]
                    found.add("".join(map(str, parts)))
                elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                    found.add(node.value)
    return found


def test_every_metric_is_explained_and_no_other():
    assert set(NAME.findall(section("What each metric means and what to do"))) == NAMES


def test_every_alert_has_a_part_of_its_own_and_no_other():
    named = re.findall(r"^### (\w+)$", section("What each alert means and what to do"), re.MULTILINE)
    assert named == [rule["alert"] for rule in rules()]


def test_messages_that_are_quoted_are_messages_that_we_say():
    symptoms = section("Troubleshooting by symptom")
    quoted = [
        text for text in re.findall(r"`([^`]+)`", symptoms) if "…" in text and not re.match(r"[\w-]+ ?-|tr", text)
    ]
    assert len(quoted) > 15
    ours = texts()
    assert [text for text in quoted if not any(text in one for one in ours)] == []


def test_each_error_comes_with_a_next_step():
    rows = re.findall(r"^\| `.*\| (.+) \|$", section("Troubleshooting by symptom"), re.MULTILINE)
    assert len(rows) > 10
    assert all(len(step) > 5 for step in rows)


@pytest.mark.parametrize("document", ["operations.md", "deployment.md"])
def test_commands_that_are_named_exist(document):
    text = (ROOT / "docs" / document).read_text(encoding="utf-8")
    named = set(re.findall(r"`tracing-aggregator ([a-z-]+)", text))
    assert named
    assert named <= COMMANDS.keys()


@pytest.mark.parametrize("document", ["operations.md", "deployment.md"])
def test_links_lead_somewhere(document):
    text = (ROOT / "docs" / document).read_text(encoding="utf-8")
    for target in re.findall(r"\]\((?!http)([^)]+)\)", text):
        page, _, anchor = target.partition("#")
        file = ROOT / "docs" / (page or document)
        assert file.exists(), target
        if anchor:
            titles = re.findall(r"^#+ (.+)$", file.read_text(encoding="utf-8"), re.MULTILINE)
            anchors = {re.sub(r"[^a-z0-9 _-]", "", title.lower()).replace(" ", "-") for title in titles}
            assert anchor in anchors, target
