"""The settings as rows to show: defaults, types and sections, in order."""

from itertools import groupby
from pathlib import Path
from typing import Any, Literal, NamedTuple, get_args, get_origin

from pydantic.fields import FieldInfo

from pipeline.config.settings import table


class Row(NamedTuple):
    """One setting, as text."""

    section: str
    name: str
    type: str
    default: str
    description: str


_TYPES = {bool: "true or false", int: "number", str: "text", Path: "folder"}


def rows() -> list[Row]:
    """Every setting, in the order of the table."""
    return [
        Row(_section(field), name, _type(field.annotation), as_text(field.default), field.description or "")
        for name, field in table().items()
    ]


def as_text(value: Any) -> str:
    """A value as it stands in a properties file."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def markdown() -> str:
    """The reference of all settings, as the document `docs/settings.md`."""
    lines = [
        "# Settings",
        "",
        "Written by `make docs` from the table in `pipeline/config/settings.py`. A setting is given in the properties",
        "file, as an environment variable (`KAFKATRACE_` and its name in upper case with underscores for dots, for",
        "instance `KAFKATRACE_HOLD_SEND_MS`) or as `-o key=value`; the latter win. Any other name is a Kafka client",
        "property under its Java name: for every client, or with the prefix `consumer.`, `producer.` or `admin.` for",
        "one kind.",
    ]
    for section, members in groupby(rows(), key=lambda row: row.section):
        lines += ["", f"## {section}", "", "| setting | default | type | meaning |", "|---|---|---|---|"]
        for row in members:
            default = f"`{row.default}`" if row.default else ""
            lines.append(f"| `{row.name}` | {default} | {row.type} | {row.description} |")
    return "\n".join(lines) + "\n"


def _section(field: FieldInfo) -> str:
    extra = field.json_schema_extra
    return str(extra["section"]) if isinstance(extra, dict) else ""


def _type(annotation: Any) -> str:
    if get_origin(annotation) is Literal:
        return " or ".join(f"`{choice}`" for choice in get_args(annotation))
    return _TYPES[annotation]
