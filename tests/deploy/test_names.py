"""Every setting that an artefact or its document names is a setting, or a property of Kafka's clients."""

import re

import pytest

from pipeline.config import java_clients
from pipeline.config.load import SETTINGS
from tests.deploy.artefacts import DEPLOY, DOCKERFILE, ROOT

FILES = sorted(
    file
    for file in (DOCKERFILE, *DEPLOY.rglob("*"), ROOT / "docs" / "deployment.md", ROOT / "docs" / "operations.md")
    if file.is_file() and "KAFKATRACE_" in file.read_text(encoding="utf-8")
)
KNOWN = {name.upper().replace(".", "_") for name in SETTINGS | java_clients.ALL}


def test_there_are_files_that_name_settings():
    assert DOCKERFILE in FILES
    assert len(FILES) > 2


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(ROOT)))
def test_every_variable_is_a_setting(file):
    named = set(re.findall(r"\bKAFKATRACE_([A-Z][A-Z0-9_]*)", file.read_text(encoding="utf-8")))
    assert named - KNOWN == set()


@pytest.mark.parametrize("file", [*FILES, ROOT / "docs" / "deployment.md"], ids=lambda file: str(file.name))
def test_every_option_on_a_command_line_is_a_setting(file):
    named = set(re.findall(r"(?:^|\s)-o,? ([a-z][a-z.]+)=", file.read_text(encoding="utf-8")))
    assert named - SETTINGS - java_clients.ALL == set()
