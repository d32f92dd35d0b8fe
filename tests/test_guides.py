"""The guides to security, to the format of raw traces and to migration: links, settings and commands in them exist."""

import re
from pathlib import Path

import pytest

from pipeline.config import java_clients
from pipeline.config.settings import Settings, table
from pipeline.config.streams_properties import EQUIVALENTS
from runners.kafka.topics import wanted_topics
from tests.test_schemas import ROOT
from tracing_aggregator.cli.main import COMMANDS

DOCS = ROOT / "docs"
GUIDES = ["security.md", "wire-format.md", "migration.md"]


def text_of(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def anchors(text: str) -> set[str]:
    titles = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-") for title in titles}


@pytest.mark.parametrize("guide", GUIDES)
def test_links_lead_somewhere(guide):
    links = re.findall(r"\]\((?!http)([^)#]*)(?:#([^)]+))?\)", text_of(DOCS / guide))
    assert links
    for file, anchor in links:
        target = DOCS / (file or guide)
        assert target.exists(), file
        assert not anchor or anchor in anchors(text_of(target)), (file, anchor)


@pytest.mark.parametrize("guide", GUIDES)
def test_the_readme_leads_to_it(guide):
    assert f"(docs/{guide})" in text_of(ROOT / "README.md")


@pytest.mark.parametrize("guide", GUIDES)
def test_commands_and_settings_that_it_names_exist(guide):
    text = text_of(DOCS / guide)
    assert set(re.findall(r"tracing-aggregator ([a-z][a-z-]+)", text)) <= COMMANDS.keys()
    given = set(re.findall(r"-o ([a-z.]+)=", text)) | set(re.findall(r"^([a-z.]+)=", text, re.MULTILINE))
    assert given - table().keys() - {"key"} <= java_clients.ALL


def test_everything_that_kafka_streams_called_otherwise_is_in_the_guide_to_migration():
    text = text_of(DOCS / "migration.md")
    assert [name for name in EQUIVALENTS if f"`{name}`" not in text] == []


def test_the_rights_of_every_topic_that_a_run_needs_are_in_the_guide_to_security():
    rights = text_of(DOCS / "security.md").split("## Rights")[1].split("## Ports")[0]
    topics = wanted_topics(Settings(trace_pathways=True))
    assert [topic.name for topic in topics if f"`{topic.name}`" not in rights] == []
