"""What lies in `deploy` and beside it, as the tests of this folder read it."""

import json
import re
import shlex
from pathlib import Path
from typing import Any

import yaml
from click import Context, Group

from pipeline.config.config_sources import ENVIRONMENT_PREFIX
from pipeline.config.load import Config, load_config
from tracing_aggregator.cli.main import main

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
DOCKERFILE = ROOT / "Dockerfile"
FLINK_DOCKERFILE = DEPLOY / "flink" / "Dockerfile"
COMPOSE = DEPLOY / "compose" / "compose.yaml"
CHART = DEPLOY / "helm" / "tracing-aggregator"
FLINK_DEPLOYMENT = DEPLOY / "kubernetes" / "flink-deployment.yaml"
IMAGE = "tracing-aggregator"


def instructions(dockerfile: Path) -> list[tuple[str, str]]:
    """Instruction and rest of each, continued lines joined and comments left out."""
    text = re.sub(r"^#.*\n", "", dockerfile.read_text(encoding="utf-8"), flags=re.MULTILINE).replace("\\\n", " ")
    return [(name, rest.strip()) for name, _, rest in (line.partition(" ") for line in text.splitlines() if line)]


def environment_of(dockerfile: Path) -> dict[str, str]:
    """The variables that the last stage sets."""
    found: dict[str, str] = {}
    for name, rest in instructions(dockerfile):
        if name == "FROM":
            found = {}
        elif name == "ENV":
            found |= dict(pair.split("=", 1) for pair in shlex.split(rest))
    return found


def documents(text: str) -> list[dict[str, Any]]:
    return [document for document in yaml.safe_load_all(text) if document]


def compose() -> dict[str, Any]:
    return dict(yaml.safe_load(COMPOSE.read_text(encoding="utf-8")))


def as_understood(environ: dict[str, str]) -> Config:
    """What the program makes of these variables; the test fails if it warns of any or refuses it."""
    config = load_config(None, {name: value for name, value in environ.items() if is_ours(name)}, ())
    assert config.warnings == ()
    return config


def is_ours(variable: str) -> bool:
    return variable.startswith(ENVIRONMENT_PREFIX)


def parse(arguments: list[str]) -> Context:
    """The command line as click takes it, not carried out; a usage error fails the test."""
    assert isinstance(main, Group)
    name, *rest = arguments
    command = main.get_command(Context(main), name)
    assert command is not None, name
    return command.make_context(name, rest)


def json_of(instruction: str, rest: str) -> list[str]:
    """The exec form of ENTRYPOINT, CMD, or what follows CMD in HEALTHCHECK."""
    text = rest[rest.index("[") :] if instruction == "HEALTHCHECK" else rest
    return list(json.loads(text))
