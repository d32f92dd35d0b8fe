"""Every document leads to places that exist, names commands and settings that exist, and is found from the index."""

import re
from pathlib import Path

import pytest

from tests.test_guides import anchors, text_of
from tests.test_schemas import ROOT
from tracing_aggregator.cli.main import COMMANDS

DOCUMENTS = [
    ROOT / "README.md",
    ROOT / "CONTRIBUTING.md",
    ROOT / "clients" / "README.md",
    *sorted((ROOT / "docs").glob("*.md")),
    *sorted((ROOT / "docs" / "adr").glob("*.md")),
]
LINK = re.compile(r"\]\((?!https?:)([^)#\s]*)(?:#([^)\s]+))?\)")
LONGEST_README = 160


def without_code(text: str) -> str:
    return re.sub(r"^```.*?^```$", "", text, flags=re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_link_leads_to_a_file_and_a_heading_of_it(document: Path):
    broken = []
    for file, anchor in LINK.findall(without_code(text_of(document))):
        target = (document.parent / file) if file else document
        if not target.exists() or (anchor and anchor not in anchors(text_of(target))):
            broken.append(f"{file}#{anchor}")
    assert broken == []


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_command_that_is_shown_exists(document: Path):
    shown = re.findall(
        r"^(?:\$ )?tracing-aggregator ([a-z][a-z-]+)|`tracing-aggregator ([a-z][a-z-]+)",
        text_of(document),
        re.MULTILINE,
    )
    assert {one or other for one, other in shown} <= COMMANDS.keys()


@pytest.mark.parametrize("folder", ["docs", "docs/adr"])
def test_every_document_is_in_the_index_of_its_folder(folder: str):
    index = ROOT / folder / "README.md"
    listed = {file for file, _ in LINK.findall(text_of(index))}
    assert {path.name for path in (ROOT / folder).glob("*.md")} - {"README.md"} - listed == set()


def test_the_files_and_folders_that_contributors_are_told_of_exist():
    named = set(
        re.findall(
            r"`((?:transforms|pipeline|runners|tracing_aggregator|tests|docs)/[\w./-]+)`",
            text_of(ROOT / "CONTRIBUTING.md"),
        )
    )
    assert len(named) > 20
    assert [name for name in sorted(named) if "NAME" not in name and not (ROOT / name).exists()] == []


def test_every_module_on_the_way_of_a_message_exists():
    text = text_of(ROOT / "docs" / "architecture.md")
    named = re.findall(r"`((?:[a-z]+/)*[a-z_]+\.py)`", text)
    assert len(named) > 10
    places = [ROOT, ROOT / "transforms", ROOT / "pipeline" / "io"]
    assert [name for name in named if not any((place / name).exists() for place in places)] == []


def test_the_readme_is_short():
    assert len(text_of(ROOT / "README.md").splitlines()) <= LONGEST_README
